"""A small writer of STEP files (ISO 10303-21): boxes, a plate with a hole, assemblies, properties, PMI.

The shapes are valid B-Rep, so that any CAD program opens them; nothing here is copied from a real model.
"""
import math


def text(value):
    """A string of an exchange file: what is not ASCII as \\X2\\."""
    out = []
    for char in value:
        if char in "'\\":
            out.append(char * 2)
        elif " " <= char <= "~":
            out.append(char)
        else:
            out.append("\\X2\\" + char.encode("utf-16-be").hex().upper() + "\\X0\\")
    return "'" + "".join(out) + "'"


def number(value):
    """A real always has a point."""
    shown = repr(round(float(value), 9) + 0.0)
    mantissa, _, exponent = shown.partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.'}" + (f"E{exponent}" if exponent else "")


def numbers(values):
    return "(" + ",".join(number(value) for value in values) + ")"


class Step:
    """Records in order; each method returns the reference of what it made."""

    def __init__(self, schema, name):
        self.schema, self.name, self.records = schema, name, []
        self.points = {}

    def add(self, record):
        self.records.append(record)
        return f"#{len(self.records)}"

    def refs(self, items):
        return "(" + ",".join(items) + ")"

    def bytes(self, begin=1, step=1):
        lines = ["ISO-10303-21;", "HEADER;", "FILE_DESCRIPTION(('made for tests'),'2;1');",
                 f"FILE_NAME({text(self.name)},'2026-01-31T08:15:30',('J. Novak'),('Muster Antriebe GmbH'),"
                 "'Quarry sample generator','Quarry','');", f"FILE_SCHEMA(({text(self.schema)}));", "ENDSEC;", "DATA;"]
        lines += [f"#{index + 1}={record};" for index, record in enumerate(self.records)]
        return ("\n".join(lines + ["ENDSEC;", "END-ISO-10303-21;", ""])).encode("ascii")

    # -- geometry
    def point(self, at):
        key = tuple(round(value, 9) for value in at)
        if key not in self.points:
            self.points[key] = self.add(f"CARTESIAN_POINT('',{numbers(at)})")
        return self.points[key]

    def direction(self, to):
        return self.add(f"DIRECTION('',{numbers(to)})")

    def placement(self, at=(0, 0, 0), axis=(0, 0, 1), ref=(1, 0, 0)):
        return self.add(f"AXIS2_PLACEMENT_3D('',{self.point(at)},{self.direction(axis)},{self.direction(ref)})")

    def units(self, length="mm"):
        if length == "mm":
            unit = self.add("(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))")
        else:
            milli = self.add("(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))")
            factor = self.add(f"LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(25.4),{milli})")
            size = self.add("DIMENSIONAL_EXPONENTS(1.,0.,0.,0.,0.,0.,0.)")
            unit = self.add(f"(CONVERSION_BASED_UNIT('INCH',{factor})LENGTH_UNIT()NAMED_UNIT({size}))")
        angle = self.add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))")
        solid = self.add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())")
        near = self.add(f"UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-05),{unit},'distance_accuracy_value','')")
        context = self.add(f"(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT(({near}))"
                           f"GLOBAL_UNIT_ASSIGNED_CONTEXT(({unit},{angle},{solid}))REPRESENTATION_CONTEXT('',''))")
        return context, unit

    def vertex(self, at):
        return self.add(f"VERTEX_POINT('',{self.point(at)})")

    def line_edge(self, first, second, ends):
        start, end = ends
        length = math.dist(start, end)
        towards = self.direction([(b - a) / length for a, b in zip(start, end)])
        vector = self.add(f"VECTOR('',{towards},{number(length)})")
        line = self.add(f"LINE('',{self.point(start)},{vector})")
        return self.add(f"EDGE_CURVE('',{first},{second},{line},.T.)")

    def loop(self, edges):
        """Edges with the way they are gone: (edge, True)."""
        used = [self.add(f"ORIENTED_EDGE('',*,*,{edge},.{'T' if along else 'F'}.)") for edge, along in edges]
        return self.add(f"EDGE_LOOP('',{self.refs(used)})")

    def face(self, loops, surface, name="", same=True):
        bounds = [self.add(f"FACE_{'OUTER_' if index == 0 else ''}BOUND('',{loop},.T.)")
                  for index, loop in enumerate(loops)]
        return self.add(f"ADVANCED_FACE({text(name)},{self.refs(bounds)},{surface},.{'T' if same else 'F'}.)")

    def box(self, size, hole=0.0, name=""):
        """A box from the origin; with a hole through its middle along z. Returns solid, faces."""
        x, y, z = size
        corners = [(0, 0, 0), (x, 0, 0), (x, y, 0), (0, y, 0), (0, 0, z), (x, 0, z), (x, y, z), (0, y, z)]
        vertices = [self.vertex(at) for at in corners]
        ends = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]
        edges = [self.line_edge(vertices[a], vertices[b], (corners[a], corners[b])) for a, b in ends]
        sides = [([(3, False), (2, False), (1, False), (0, False)], (0, 0, 0), (0, 0, -1), (1, 0, 0)),
                 ([(4, True), (5, True), (6, True), (7, True)], (0, 0, z), (0, 0, 1), (1, 0, 0)),
                 ([(0, True), (9, True), (4, False), (8, False)], (0, 0, 0), (0, -1, 0), (1, 0, 0)),
                 ([(1, True), (10, True), (5, False), (9, False)], (x, 0, 0), (1, 0, 0), (0, 1, 0)),
                 ([(2, True), (11, True), (6, False), (10, False)], (x, y, 0), (0, 1, 0), (-1, 0, 0)),
                 ([(3, True), (8, True), (7, False), (11, False)], (0, y, 0), (-1, 0, 0), (0, -1, 0))]
        wall, rims = None, {}
        if hole:
            wall, rims = self.bore((x / 2, y / 2), z, hole / 2)
        faces = []
        for index, (way, at, normal, ref) in enumerate(sides):
            loops = [self.loop([(edges[edge], along) for edge, along in way])]
            if index in rims:
                loops.append(self.loop([rims[index]]))
            plane = self.add(f"PLANE('',{self.placement(at, normal, ref)})")
            faces.append(self.face(loops, plane))
        if wall:
            faces.append(wall)
        shell = self.add(f"CLOSED_SHELL('',{self.refs(faces)})")
        return self.add(f"MANIFOLD_SOLID_BREP({text(name)},{shell})"), faces

    def bore(self, centre, height, radius):
        """The wall of a hole, and its rims for the faces below (0) and above (1)."""
        low, high = (*centre, 0), (*centre, height)
        ends = [self.vertex((centre[0] + radius, centre[1], z)) for z in (0, height)]
        rims = [self.add(f"EDGE_CURVE('',{end},{end},"
                         f"{self.add(f'CIRCLE({chr(39)}{chr(39)},{self.placement(at)},{number(radius)})')},.T.)")
                for end, at in zip(ends, (low, high))]
        seam = self.line_edge(*ends, [(centre[0] + radius, centre[1], z) for z in (0, height)])
        surface = self.add(f"CYLINDRICAL_SURFACE('',{self.placement(low)},{number(radius)})")
        loop = self.loop([(rims[0], True), (seam, True), (rims[1], False), (seam, False)])
        return self.face([loop], surface, same=False), {0: (rims[0], True), 1: (rims[1], False)}

    # -- products
    def contexts(self):
        application = self.add("APPLICATION_CONTEXT('managed model based 3d engineering')")
        self.add(f"APPLICATION_PROTOCOL_DEFINITION('international standard',"
                 f"'ap242_managed_model_based_3d_engineering',2014,{application})")
        return (self.add(f"PRODUCT_CONTEXT('',{application},'mechanical')"),
                self.add(f"PRODUCT_DEFINITION_CONTEXT('part definition',{application},'design')"))

    def product(self, contexts, number_, name, revision, description="", made=None, category="part"):
        """Returns definition, shape."""
        product = self.add(f"PRODUCT({text(number_)},{text(name)},{text(description)},({contexts[0]}))")
        self.add(f"PRODUCT_RELATED_PRODUCT_CATEGORY({text(category)},'',({product}))")
        if made:
            formation = self.add(f"PRODUCT_DEFINITION_FORMATION_WITH_SPECIFIED_SOURCE({text(revision)},'',{product},.{made}.)")
        else:
            formation = self.add(f"PRODUCT_DEFINITION_FORMATION({text(revision)},'',{product})")
        definition = self.add(f"PRODUCT_DEFINITION('design','',{formation},{contexts[1]})")
        return definition, self.add(f"PRODUCT_DEFINITION_SHAPE('','',{definition})")

    def representation(self, shape, kind, items, context, name=""):
        rep = self.add(f"{kind}({text(name)},{self.refs(items)},{context})")
        self.add(f"SHAPE_DEFINITION_REPRESENTATION({shape},{rep})")
        return rep

    def place(self, parent, child, reps, items, usage, reverse=False):
        """child in parent: reps and placements as (parent's, child's)."""
        occurrence = self.add(f"NEXT_ASSEMBLY_USAGE_OCCURRENCE({text(usage[0])},{text(usage[1])},'',{parent},{child},"
                              f"{text(usage[2]) if len(usage) > 2 else '$'})")
        shape = self.add(f"PRODUCT_DEFINITION_SHAPE('Placement','',{occurrence})")
        first, second = (0, 1) if reverse else (1, 0)
        how = self.add(f"ITEM_DEFINED_TRANSFORMATION('','',{items[first]},{items[second]})")
        relation = self.add(f"(REPRESENTATION_RELATIONSHIP('','',{reps[first]},{reps[second]})"
                            f"REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION({how})SHAPE_REPRESENTATION_RELATIONSHIP())")
        self.add(f"CONTEXT_DEPENDENT_SHAPE_REPRESENTATION({relation},{shape})")

    def property(self, about, name, description, items, context):
        found = self.add(f"PROPERTY_DEFINITION({text(name)},{text(description)},{about})")
        rep = self.add(f"REPRESENTATION({text(description)},{self.refs(items)},{context})")
        self.add(f"PROPERTY_DEFINITION_REPRESENTATION({found},{rep})")
        return found

    def said(self, name, value):
        return self.add(f"DESCRIPTIVE_REPRESENTATION_ITEM({text(name)},{text(value)})")

    def derived(self, *powers):
        return self.add("DERIVED_UNIT((" + ",".join(self.add(f"DERIVED_UNIT_ELEMENT({unit},{number(power)})")
                                                    for unit, power in powers) + "))")

    def length(self, value, unit, name=None):
        if name is None:
            return self.add(f"LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE({number(value)}),{unit})")
        return self.add(f"(LENGTH_MEASURE_WITH_UNIT()MEASURE_REPRESENTATION_ITEM()"
                        f"MEASURE_WITH_UNIT(LENGTH_MEASURE({number(value)}),{unit})REPRESENTATION_ITEM({text(name)}))")
