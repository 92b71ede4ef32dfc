"""A STEP model whose geometry is known by hand: a block with a blind hole and a counterbored one."""
from tests.harness.samples.step import Step, number

AP214 = "AUTOMOTIVE_DESIGN { 1 0 10303 214 3 1 1 }"
SIZE = (80, 50, 30)


def rim(step, centre, z, radius):
    """A circle as an edge, seen from above anticlockwise; its start vertex."""
    start = step.vertex((centre[0] + radius, centre[1], z))
    circle = step.add(f"CIRCLE('',{step.placement((*centre, z))},{number(radius)})")
    return step.add(f"EDGE_CURVE('',{start},{start},{circle},.T.)"), start


def wall(step, centre, radius, low, high):
    """The hollow cylinder between two rims at these heights."""
    at = (centre[0] + radius, centre[1])
    seam = step.line_edge(low[1], high[1], [(*at, low[2]), (*at, high[2])])
    surface = step.add(f"CYLINDRICAL_SURFACE('',{step.placement((*centre, low[2]))},{number(radius)})")
    loop = step.loop([(low[0], True), (seam, True), (high[0], False), (seam, False)])
    return step.face([loop], surface, same=False)


def up(step, z, loops):
    """A flat face that looks up, at this height."""
    return step.face([step.loop(loop) for loop in loops], step.add(f"PLANE('',{step.placement((0, 0, z))})"))


def block():
    """80 x 50 x 30; at 20,25 a blind hole of 10, 20 deep; at 60,25 a hole of 6 with a counterbore of 12, 5 deep."""
    step = Step(AP214, "block.stp")
    contexts = step.contexts()
    context, _ = step.units()
    definition, shape = step.product(contexts, "BL-7", "Block", "A")
    x, y, z = SIZE
    corners = [(0, 0, 0), (x, 0, 0), (x, y, 0), (0, y, 0), (0, 0, z), (x, 0, z), (x, y, z), (0, y, z)]
    vertices = [step.vertex(at) for at in corners]
    ends = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]
    edges = [step.line_edge(vertices[a], vertices[b], (corners[a], corners[b])) for a, b in ends]
    rims = {(name, height): (*rim(step, centre, height, radius), height) for name, centre, height, radius in (
        ("blind", (20, 25), 10, 5), ("blind", (20, 25), 30, 5), ("wide", (60, 25), 25, 6), ("wide", (60, 25), 30, 6),
        ("narrow", (60, 25), 0, 3), ("narrow", (60, 25), 25, 3))}

    def around(name, height, outside):
        return [(rims[name, height][0], outside)]

    faces = [up(step, z, [[(edges[edge], True) for edge in (4, 5, 6, 7)], around("blind", 30, False), around("wide", 30, False)]),
             up(step, 10, [around("blind", 10, True)]),
             up(step, 25, [around("wide", 25, True), around("narrow", 25, False)]),
             wall(step, (20, 25), 5, rims["blind", 10], rims["blind", 30]),
             wall(step, (60, 25), 6, rims["wide", 25], rims["wide", 30]),
             wall(step, (60, 25), 3, rims["narrow", 0], rims["narrow", 25])]
    below = [step.loop([(edges[edge], False) for edge in (3, 2, 1, 0)]), step.loop(around("narrow", 0, True))]
    faces.append(step.face(below, step.add(f"PLANE('',{step.placement((0, 0, 0), (0, 0, -1))})")))
    for way, at, normal, ref in (
            ([(0, True), (9, True), (4, False), (8, False)], (0, 0, 0), (0, -1, 0), (1, 0, 0)),
            ([(1, True), (10, True), (5, False), (9, False)], (x, 0, 0), (1, 0, 0), (0, 1, 0)),
            ([(2, True), (11, True), (6, False), (10, False)], (x, y, 0), (0, 1, 0), (-1, 0, 0)),
            ([(3, True), (8, True), (7, False), (11, False)], (0, y, 0), (-1, 0, 0), (0, -1, 0))):
        plane = step.add(f"PLANE('',{step.placement(at, normal, ref)})")
        faces.append(step.face([step.loop([(edges[edge], along) for edge, along in way])], plane))
    shell = step.add(f"CLOSED_SHELL('',{step.refs(faces)})")
    solid = step.add(f"MANIFOLD_SOLID_BREP('Body',{shell})")
    step.representation(shape, "ADVANCED_BREP_SHAPE_REPRESENTATION", [solid, step.placement()], context)
    return step.bytes()


FILES = {"step/block.stp": block}
