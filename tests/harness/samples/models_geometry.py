"""STEP models whose geometry is known by hand: a block with a blind hole and a counterbored one; another with a
countersunk one, too, whose walls of holes are all written as B-splines."""
import math

from tests.harness.samples.step import Step, number

AP214 = "AUTOMOTIVE_DESIGN { 1 0 10303 214 3 1 1 }"
SIZE = (80, 50, 30)


def rim(step, centre, z, radius):
    """A circle as an edge, seen from above anticlockwise; its start vertex."""
    start = step.vertex((centre[0] + radius, centre[1], z))
    circle = step.add(f"CIRCLE('',{step.placement((*centre, z))},{number(radius)})")
    return step.add(f"EDGE_CURVE('',{start},{start},{circle},.T.)"), start


def round_surface(step, centre, radii, heights):
    """The cylinder or cone between two circles, as systems write it that know B-splines alone: exact, four arcs."""
    corner = math.sqrt(0.5)
    around = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0)]
    net = [step.refs([step.point((centre[0] + radius * x, centre[1] + radius * y, height))
                      for radius, height in zip(radii, heights)]) for x, y in around]
    weights = ",".join(f"({number(weight)},{number(weight)})" for weight in ([1, corner] * 4 + [1]))
    return step.add(f"(BOUNDED_SURFACE()B_SPLINE_SURFACE(2,1,{step.refs(net)},.UNSPECIFIED.,.T.,.F.,.F.)"
                    "B_SPLINE_SURFACE_WITH_KNOTS((3,2,2,2,3),(2,2),(0.,0.25,0.5,0.75,1.),(0.,1.),.UNSPECIFIED.)"
                    f"GEOMETRIC_REPRESENTATION_ITEM()RATIONAL_B_SPLINE_SURFACE(({weights}))REPRESENTATION_ITEM('')SURFACE())")


def wall(step, centre, radii, low, high, spline):
    """The hollow cylinder, or cone, between two rims at these heights."""
    ends = [(centre[0] + radius, centre[1], rim[2]) for radius, rim in zip(radii, (low, high))]
    seam = step.line_edge(low[1], high[1], ends)
    if spline:
        surface = round_surface(step, centre, radii, (low[2], high[2]))
    else:
        surface = step.add(f"CYLINDRICAL_SURFACE('',{step.placement((*centre, low[2]))},{number(radii[0])})")
    loop = step.loop([(low[0], True), (seam, True), (high[0], False), (seam, False)])
    return step.face([loop], surface, same=False)


def up(step, z, loops):
    """A flat face that looks up, at this height."""
    return step.face([step.loop(loop) for loop in loops], step.add(f"PLANE('',{step.placement((0, 0, z))})"))


def block(name="block.stp", spline=False):
    """80 x 50 x 30; at 20,25 a blind hole of 10, 20 deep; at 60,25 a hole of 6 with a counterbore of 12, 5 deep. With
    B-splines also a hole of 6 at 40,25 that a cone of 90 degrees opens to 12."""
    step = Step(AP214, name)
    contexts = step.contexts()
    context, _ = step.units()
    definition, shape = step.product(contexts, "BL-7", "Block", "A")
    x, y, z = SIZE
    corners = [(0, 0, 0), (x, 0, 0), (x, y, 0), (0, y, 0), (0, 0, z), (x, 0, z), (x, y, z), (0, y, z)]
    vertices = [step.vertex(at) for at in corners]
    ends = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]
    edges = [step.line_edge(vertices[a], vertices[b], (corners[a], corners[b])) for a, b in ends]
    circles = [("blind", (20, 25), 10, 5), ("blind", (20, 25), 30, 5), ("wide", (60, 25), 25, 6), ("wide", (60, 25), 30, 6),
               ("narrow", (60, 25), 0, 3), ("narrow", (60, 25), 25, 3)]
    if spline:
        circles += [("sunk", (40, 25), 0, 3), ("sunk", (40, 25), 27, 3), ("sunk", (40, 25), 30, 6)]
    rims = {(name, height): (*rim(step, centre, height, radius), height) for name, centre, height, radius in circles}

    def around(name, height, outside):
        return [(rims[name, height][0], outside)]

    above = [[(edges[edge], True) for edge in (4, 5, 6, 7)], around("blind", 30, False), around("wide", 30, False)]
    faces = [up(step, z, above + ([around("sunk", 30, False)] if spline else [])),
             up(step, 10, [around("blind", 10, True)]),
             up(step, 25, [around("wide", 25, True), around("narrow", 25, False)]),
             wall(step, (20, 25), (5, 5), rims["blind", 10], rims["blind", 30], spline),
             wall(step, (60, 25), (6, 6), rims["wide", 25], rims["wide", 30], spline),
             wall(step, (60, 25), (3, 3), rims["narrow", 0], rims["narrow", 25], spline)]
    below = [step.loop([(edges[edge], False) for edge in (3, 2, 1, 0)]), step.loop(around("narrow", 0, True))]
    if spline:
        faces.append(wall(step, (40, 25), (3, 3), rims["sunk", 0], rims["sunk", 27], spline))
        faces.append(wall(step, (40, 25), (3, 6), rims["sunk", 27], rims["sunk", 30], spline))
        below.append(step.loop(around("sunk", 0, True)))
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


FILES = {"step/block.stp": block, "step/splines.stp": lambda: block("splines.stp", spline=True)}
