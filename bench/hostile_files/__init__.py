"""Large and hostile files, written as streams: each case is a function (file, n) in pdf.py or dxf.py."""
import collections

Case = collections.namedtuple("Case", "name suffix n write about")


def collect(table, suffix):
    """A decorator case(name, n): enters a writer into `table`; its first docstring line says what it is."""
    def case(name, n):
        def enter(write):
            table.append(Case(name, suffix, n, write, write.__doc__.split("\n")[0]))
            return write
        return enter
    return case


def cases():
    """All cases in the order they are run: PDF, then DXF."""
    from bench.hostile_files import dxf, dxf_names, pdf
    return pdf.CASES + dxf.CASES + dxf_names.CASES
