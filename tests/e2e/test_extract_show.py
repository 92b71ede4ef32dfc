"""quarry extract --show: a record as people see it."""
import shutil
import subprocess

import pytest

from tests.harness.quarry import BIN, SAMPLES


def show(*args, code=0):
    done = subprocess.run([BIN / "quarry", "extract", "--show", *args], capture_output=True, timeout=120, check=False,
                          cwd=SAMPLES, text=True)
    assert done.returncode == code, done.stderr
    return done


def test_pages_and_document():
    out = show("pdf/metadata.pdf").stdout
    assert out.startswith("pdf/metadata.pdf\n  completed, pdf, ")
    assert "\nPages (3)\n" in out
    assert "page_count       3" in out


def test_long_lists_are_cut_and_say_so():
    assert "2 more: --rows 0 shows all" in show("--rows", "1", "pdf/metadata.pdf").stdout
    assert "more: --rows 0" not in show("--rows", "0", "pdf/metadata.pdf").stdout


def test_files_come_in_order_and_failures_say_why():
    out = show("pdf/simple.pdf", "damaged/zip-named.pdf", "text/utf8.txt", code=1).stdout
    first, second, third = (out.index(name) for name in ("pdf/simple.pdf", "damaged/zip-named.pdf", "text/utf8.txt"))
    assert first < second < third
    assert "failed, archive" in out and "invalid_input" in out


def test_repairs_are_shown():
    assert "pdf.xref.repaired" in show("damaged/truncated.pdf").stdout


def test_an_unknown_option_is_a_usage_error():
    done = show("--set", "speed=on", "pdf/simple.pdf", code=2)
    assert "no option 'speed'" in done.stderr


def test_nothing_but_ascii_art_in_a_pipe():
    assert "\x1b" not in show("pdf/simple.pdf").stdout


def test_the_overlay_is_a_picture_of_the_page(tmp_path):
    picture = tmp_path / "found.png"
    show("--overlay", picture, "--page", "2", "pdf/metadata.pdf")
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(head[at:at + 4], "big") for at in (16, 20))
    assert height == 2440 and 1600 < width < 1800  # A4 upright, and the legend


def test_what_a_drawing_says_comes_first():
    out = show("dxf/flange-2000.dxf").stdout
    assert out.index("\nTitle block\n") < out.index("\nDimensions (4)\n") < out.index("\nMade of\n")
    assert "BR-2040" in out and "4x Ø9" in out


@pytest.mark.parametrize("name", ["dxf/flange-r12.dxf", "dxf/flange-2018-binary.dxf", "dxf/assembly-2018.dxf",
                                  "hostile/block-bomb.dxf"])
def test_the_overlay_of_a_drawing(name, tmp_path):
    picture = tmp_path / "found.png"
    show("--overlay", picture, name)
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_no_overlay_of_a_page_that_is_not_there(tmp_path):
    done = show("--overlay", tmp_path / "found.png", "--page", "9", "pdf/metadata.pdf", code=1)
    assert "no page 9" in done.stderr
    assert not (tmp_path / "found.png").exists()


def test_an_overlay_is_of_one_file(tmp_path):
    assert "one FILE" in show("--overlay", tmp_path / "x.png", "pdf/simple.pdf", "pdf/metadata.pdf", code=2).stderr


def test_a_model_is_shown_with_its_structure():
    out = show("step/gearbox.step").stdout
    assert "  model            Gearbox, assembly\n" in out
    assert "\nStructure\n  AS-1000\n    2 x AS-1100\n      1 x P-1101\n      4 x ISO4762-M6x20\n" in out
    assert out.index("\nModel\n") < out.index("\nStructure\n") < out.index("\nBill of material")
    assert "in AS-1100" in out  # the parts list says where


def test_a_long_structure_is_cut_and_says_so():
    out = show("--rows", "2", "step/gearbox.step").stdout
    assert "\nStructure\n  AS-1000\n    2 x AS-1100\n  2 more: --rows 0" in out


def test_a_part_is_shown_with_its_faces_and_holes():
    out = show("step/bracket.stp").stdout
    assert "  surfaces         6 plane, 1 cylinder\n" in out
    if "\nHoles (1)\n" in out:  # by the geometry kernel, where it was built
        assert "simple         9     10  yes" in out


def test_names_of_the_document_line_up():
    lines = show("step/bracket.stp").stdout.split("\nDocument\n")[1].split("\n\n")[0].splitlines()
    width = len("  implementation_level ")
    assert all(line[width - 1] == " " and line[width] != " " for line in lines)


def test_a_building_is_shown_with_what_is_equal_once():
    out = show("ifc/house.ifc").stdout
    assert "  holds            6 elements, 2 walls, 1 type, 1 storey, 2 property sets, 1 quantity set\n" in out
    assert "\n      Upper floor, First  IfcBuildingStorey          3000         6\n" in out
    rows = [line.split("  ") for line in out.splitlines()]
    assert ["2", "IfcStairFlight", "-", "Stair"] in [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert [line.split() for line in out.splitlines() if line.startswith("Concrete")] == [["Concrete", "C30/37", "-", "200", "-", "2", "type"]]
    assert [line.split() for line in out.splitlines() if "LoadBearing" in line] == [
        ["Pset_WallCommon", "LoadBearing", "2", "-", "true,", "false"]]


def test_values_of_one_name_stand_in_one_line():
    out = show("ifc/materials.ifc").stdout
    assert "unit                 LENGTHUNIT mm, AREAUNIT m²\n" in out
    assert "2 more: --rows 0 shows all" in out and "property_sets        0" not in show("--rows", "1", "ifc/materials.ifc").stdout


def test_without_a_geometry_kernel_the_rest_is_whole_and_says_so(tmp_path):
    """As a build with QUARRY_GEOMETRY=OFF is installed: the programs without the module beside them."""
    for name in ("quarry", "quarry-worker"):
        shutil.copy2(BIN / name, tmp_path / name)
    done = subprocess.run([tmp_path / "quarry", "extract", "--show", "step/bracket.stp"], capture_output=True, timeout=120,
                          check=False, cwd=SAMPLES, text=True)
    assert done.returncode == 0, done.stderr
    assert "  completed, step, " in done.stdout
    assert "  shape            1 solid, 7 faces, 15 edges\n" in done.stdout
    assert "  kernel           unsupported: this worker has no geometry kernel; hint: " in done.stdout
    assert "by vertices: round faces may reach beyond" in done.stdout
