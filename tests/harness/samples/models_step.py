"""The STEP models of tests/samples: what they must show is in tests/samples/README.md and step_test.c."""
import gzip
import io
import math
import zipfile

from tests.harness.samples.step import Step, number, text

AP242 = "AP242_MANAGED_MODEL_BASED_3D_ENGINEERING_MIM_LF { 1 0 10303 442 1 1 4 }"
AP214 = "AUTOMOTIVE_DESIGN { 1 0 10303 214 3 1 1 }"


def bracket():
    """A plate 60 x 40 x 10 with a hole of 9: user attributes, material, validation properties, PMI, colour, layer."""
    step = Step(AP242, "bracket.stp")
    contexts = step.contexts()
    context, mm = step.units()
    definition, shape = step.product(contexts, "BR-2040", "Träger", "B", "Bracket for flange", made="MADE")
    solid, faces = step.box((60, 40, 10), hole=9, name="Body")
    rep = step.representation(shape, "ADVANCED_BREP_SHAPE_REPRESENTATION", [solid, step.placement()], context)
    for name, value in (("DWG_NO", "BR-2040-00"), ("REV", "B"), ("FINISH", "Zn8/Fe, \u03b1=0.5 \U0001F529")):
        found = step.property(definition, name, "user defined attribute", [step.said(name, value)], context)
        general = step.add(f"GENERAL_PROPERTY('',{text(name)},'user defined attribute')")
        step.add(f"GENERAL_PROPERTY_ASSOCIATION('user defined attribute','',{general},{found})")
    kilogram = step.add("(MASS_UNIT()NAMED_UNIT(*)SI_UNIT(.KILO.,.GRAM.))")
    metre = step.add("(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT($,.METRE.))")
    density = step.derived((kilogram, 1), (metre, -3))
    step.property(definition, "material property", "material name", [step.said("S235JR", "S235JR")], context)
    step.property(definition, "material property", "density of part", [step.add(
        f"MEASURE_REPRESENTATION_ITEM('density measure',POSITIVE_RATIO_MEASURE(7850.),{density})")], context)
    hole = math.pi * 4.5 ** 2
    area = 2 * (60 * 40 + 60 * 10 + 40 * 10) - 2 * hole + math.pi * 9 * 10
    step.property(shape, "geometric validation property", "", [
        step.add(f"MEASURE_REPRESENTATION_ITEM('volume measure',VOLUME_MEASURE({number(24000 - 10 * hole)}),{step.derived((mm, 3))})"),
        step.add(f"MEASURE_REPRESENTATION_ITEM('surface area measure',AREA_MEASURE({number(area)}),{step.derived((mm, 2))})"),
        step.add("CARTESIAN_POINT('centre point',(30.,20.,5.))")], context)
    pmi(step, shape, rep, context, mm, faces)
    style(step, context, solid, faces[-1])
    return step.bytes()


def pmi(step, shape, rep, context, mm, faces):
    def aspect(name, face):
        found = step.add(f"SHAPE_ASPECT({text(name)},'',{shape},.T.)")
        step.add(f"GEOMETRIC_ITEM_SPECIFIC_USAGE('','',{found},{rep},{face})")
        return found

    def datum(letter, face):
        feature = step.add(f"DATUM_FEATURE({text('feature ' + letter)},'',{shape},.T.)")
        step.add(f"GEOMETRIC_ITEM_SPECIFIC_USAGE('','',{feature},{rep},{face})")
        found = step.add(f"DATUM('','',{shape},.F.,{text(letter)})")
        step.add(f"SHAPE_ASPECT_RELATIONSHIP('','',{feature},{found})")
        return found

    def value(dimension, *items):
        shown = step.add(f"SHAPE_DIMENSION_REPRESENTATION('',{step.refs(items)},{context})")
        step.add(f"DIMENSIONAL_CHARACTERISTIC_REPRESENTATION({dimension},{shown})")

    bore = aspect("bore", faces[6])
    three = step.add("VALUE_FORMAT_TYPE_QUALIFIER('NR2 1.3')")
    diameter = step.add(f"DIMENSIONAL_SIZE({bore},'diameter')")
    value(diameter, step.add(f"(LENGTH_MEASURE_WITH_UNIT()MEASURE_REPRESENTATION_ITEM()MEASURE_WITH_UNIT(LENGTH_MEASURE("
                             f"9.000000000002),{mm})QUALIFIED_REPRESENTATION_ITEM(({three}))REPRESENTATION_ITEM('nominal value'))"))
    step.add(f"PLUS_MINUS_TOLERANCE({step.add('LIMITS_AND_FITS(' + chr(39) + 'H' + chr(39) + ',' + chr(39) + 'hole' + chr(39) + ',' + chr(39) + 'IT7' + chr(39) + ',' + chr(39) * 2 + ')')},{diameter})")
    length = step.add(f"DIMENSIONAL_LOCATION('linear distance','',{aspect('left', faces[5])},{aspect('right', faces[3])})")
    value(length, step.length(60, mm, "nominal value"))
    limits = step.add(f"TOLERANCE_VALUE({step.length(-0.1, mm)},{step.length(0.2, mm)})")
    step.add(f"PLUS_MINUS_TOLERANCE({limits},{length})")
    height = step.add(f"DIMENSIONAL_LOCATION('linear distance','',{aspect('bottom', faces[0])},{aspect('top', faces[1])})")
    value(height, step.length(10, mm, "nominal value"), step.length(10.05, mm, "upper limit"), step.length(9.95, mm, "lower limit"))
    basic = step.add(f"DIMENSIONAL_LOCATION('linear distance','',{aspect('edge', faces[2])},{bore})")
    value(basic, step.length(20, mm, "nominal value"), step.said("dimensional note", "theoretical"))
    first, second = datum("A", faces[0]), datum("B", faces[2])
    parts = [step.add(f"DATUM_REFERENCE_COMPARTMENT('','',{shape},.F.,{first},$)"),
             step.add(f"DATUM_REFERENCE_COMPARTMENT('','',{shape},.F.,{second},(SIMPLE_DATUM_REFERENCE_MODIFIER(.MAXIMUM_MATERIAL_REQUIREMENT.)))")]
    system = step.add(f"DATUM_SYSTEM('','',{shape},.F.,{step.refs(parts)})")
    position = step.add(f"(GEOMETRIC_TOLERANCE('Position.1','',{step.length(0.1, mm)},{bore})"
                        f"GEOMETRIC_TOLERANCE_WITH_DATUM_REFERENCE(({system}))"
                        f"GEOMETRIC_TOLERANCE_WITH_MODIFIERS((.MAXIMUM_MATERIAL_REQUIREMENT.))POSITION_TOLERANCE())")
    zone = step.add("TOLERANCE_ZONE_FORM('cylindrical or circular')")
    step.add(f"TOLERANCE_ZONE('','',{shape},.F.,({position}),{zone})")
    step.add(f"FLATNESS_TOLERANCE('Flatness.1','',{step.length(0.05, mm)},{aspect('flat', faces[1])})")
    old = step.add(f"DATUM_REFERENCE(1,{first})")
    step.add(f"PERPENDICULARITY_TOLERANCE('Perpendicularity.1','',{step.length(0.2, mm)},{bore},({old}))")
    note = aspect("note", faces[1])
    step.property(note, "surface note", "", [step.said("", "REMOVE ALL BURRS")], context)


def style(step, context, solid, face):
    def paint(item, colour):
        fill = step.add(f"FILL_AREA_STYLE('',({step.add(f'FILL_AREA_STYLE_COLOUR({chr(39) * 2},{colour})')}))")
        side = step.add(f"SURFACE_SIDE_STYLE('',({step.add(f'SURFACE_STYLE_FILL_AREA({fill})')}))")
        usage = step.add(f"SURFACE_STYLE_USAGE(.BOTH.,{side})")
        return step.add(f"STYLED_ITEM('',({step.add(f'PRESENTATION_STYLE_ASSIGNMENT(({usage}))')}),{item})")

    items = [paint(solid, step.add("COLOUR_RGB('',0.25,0.5,0.75)")),
             paint(face, step.add("DRAUGHTING_PRE_DEFINED_COLOUR('red')"))]
    step.add(f"MECHANICAL_DESIGN_GEOMETRIC_PRESENTATION_REPRESENTATION('',{step.refs(items)},{context})")
    step.add(f"PRESENTATION_LAYER_ASSIGNMENT('SOLIDS','bodies',({solid}))")


def assembly():
    """A gearbox: two levels, a part in inches, one placement the other way round, one by a mapped item, people, files."""
    step = Step(AP214, "gearbox.step")
    contexts = step.contexts()
    context, _ = step.units()
    inches, _ = step.units("inch")
    root, root_shape = step.product(contexts, "AS-1000", "Gearbox", "C", category="assembly")
    group, group_shape = step.product(contexts, "AS-1100", "Cover with screws", "1", category="assembly")
    cover, cover_shape = step.product(contexts, "P-1101", "Cover", "A", made="MADE")
    screw, screw_shape = step.product(contexts, "ISO4762-M6x20", "Screw", "", made="BOUGHT")
    origin = step.placement()
    cover_rep = step.representation(cover_shape, "ADVANCED_BREP_SHAPE_REPRESENTATION", [step.box((100, 60, 8), name="Cover")[0], origin], context)
    screw_rep = step.representation(screw_shape, "ADVANCED_BREP_SHAPE_REPRESENTATION", [step.box((0.25, 0.25, 1), name="Screw")[0], origin], inches)
    places = [step.placement(at) for at in ((10, 10, 8), (80, 10, 8), (10, 40, 8))]
    mapped = step.add(f"REPRESENTATION_MAP({origin},{screw_rep})")
    fourth = step.add(f"MAPPED_ITEM('',{mapped},{step.placement((80, 40, 8))})")
    group_rep = step.representation(group_shape, "SHAPE_REPRESENTATION", [origin, fourth, *places], context)
    turned = step.placement((0, 0, 200), (0, 0, -1), (1, 0, 0))
    root_rep = step.representation(root_shape, "SHAPE_REPRESENTATION", [origin, turned], context)
    step.place(root, group, (root_rep, group_rep), (origin, origin), ("1", "cover below"))
    step.place(root, group, (root_rep, group_rep), (turned, origin), ("2", "cover above"), reverse=True)
    step.place(group, cover, (group_rep, cover_rep), (origin, origin), ("3", "cover"))
    for index, place in enumerate(places):
        step.place(group, screw, (group_rep, screw_rep), (place, origin), (str(4 + index), "screw", f"S{index + 1}"))
    occurrence = step.add(f"NEXT_ASSEMBLY_USAGE_OCCURRENCE('7','screw','',{group},{screw},'S4')")
    step.add(f"PRODUCT_DEFINITION_SHAPE('Placement','',{occurrence})")
    person = step.add("PERSON('JN','Novak','Jana',$,$,$)")
    company = step.add("ORGANIZATION('MA','Muster Antriebe GmbH','')")
    both = step.add(f"PERSON_AND_ORGANIZATION({person},{company})")
    role = step.add("PERSON_AND_ORGANIZATION_ROLE('design owner')")
    step.add(f"APPLIED_PERSON_AND_ORGANIZATION_ASSIGNMENT({both},{role},({root}))")
    approval = step.add(f"APPROVAL({step.add('APPROVAL_STATUS(' + text('approved') + ')')},'')")
    step.add(f"APPLIED_APPROVAL_ASSIGNMENT({approval},({root}))")
    day, time = step.add("CALENDAR_DATE(2026,31,1)"), step.add(
        f"LOCAL_TIME(8,15,30.,{step.add('COORDINATED_UNIVERSAL_TIME_OFFSET(1,$,.AHEAD.)')})")
    step.add(f"APPLIED_DATE_AND_TIME_ASSIGNMENT({step.add(f'DATE_AND_TIME({day},{time})')},"
             f"{step.add('DATE_TIME_ROLE(' + text('creation_date') + ')')},({root}))")
    kind = step.add("DOCUMENT_TYPE('geometry')")
    step.add(f"DOCUMENT_FILE('motor.stp','','',{kind},'',$)")
    return step.bytes()


def mesh():
    """AP242 tessellation: a tetrahedron, in a zip archive under the name that ISO 10303-21 gives it."""
    step = Step(AP242, "mesh.stp")
    contexts = step.contexts()
    context, _ = step.units()
    _, shape = step.product(contexts, "T-1", "Tetrahedron", "")
    points = step.add("COORDINATES_LIST('',4,((0.,0.,0.),(10.,0.,0.),(0.,10.,0.),(0.,0.,10.)))")
    faces = [step.add(f"TRIANGULATED_FACE('',{points},3,(),$,(1,2,3,4),(({triangle})))")
             for triangle in ("1,3,2", "1,2,4", "2,3,4", "1,4,3")]
    solid = step.add(f"TESSELLATED_SOLID('',{step.refs(faces)},$)")
    step.representation(shape, "TESSELLATED_SHAPE_REPRESENTATION", [solid], context)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
        out.writestr(zipfile.ZipInfo("ISO-10303.p21", (2026, 1, 31, 8, 15, 30)), step.bytes())
    return archive.getvalue()


def packed():
    return gzip.compress(bracket(), 0, mtime=0)  # stored: the same bytes whatever zlib


def cut():
    """The end is missing: the file breaks off in a record."""
    whole = bracket()
    return whole[:len(whole) * 2 // 3]


def tangled():
    """Everything a sound file does not have: cycles, twins, dangling references, an open string, lists in lists."""
    return ("ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('tangled','',(''),(''),'','','');\n"
            "FILE_SCHEMA(('NO_SUCH_SCHEMA'));\nENDSEC;\nDATA;\n"
            "#1=PRODUCT('A','a','',(#99));\n#2=PRODUCT('B','b','',(#99));\n"
            "#3=PRODUCT_DEFINITION_FORMATION('','',#1);\n#4=PRODUCT_DEFINITION_FORMATION('','',#2);\n"
            "#5=PRODUCT_DEFINITION('','',#3,$);\n#6=PRODUCT_DEFINITION('','',#4,$);\n"
            "#7=NEXT_ASSEMBLY_USAGE_OCCURRENCE('1','','',#5,#6,$);\n#8=NEXT_ASSEMBLY_USAGE_OCCURRENCE('2','','',#6,#5,$);\n"
            "#9=NEXT_ASSEMBLY_USAGE_OCCURRENCE('3','','',#5,#777,$);\n#10=NEXT_ASSEMBLY_USAGE_OCCURRENCE('4','','',#5,#5,$);\n"
            "#11=CONVERSION_BASED_UNIT(#12,'X',#12);\n#12=LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.),#11);\n"
            "#13=CLOSED_SHELL('',(#14,#14,#14));\n#14=ADVANCED_FACE('',(#15,#15),#14,.T.);\n#15=FACE_OUTER_BOUND('',#16,.T.);\n"
            "#16=EDGE_LOOP('',(#17,#17));\n#17=ORIENTED_EDGE('',*,*,#18,.T.);\n#18=EDGE_CURVE('',#18,#18,#18,.T.);\n"
            "#1=PRODUCT('C','twin','',());\n#19=PROPERTY_DEFINITION('x','',#20);\n#20=SHAPE_ASPECT('','',#20,.T.);\n"
            "#21=STYLED_ITEM('',(#21),#21);\n#22=DIRECTION('',(1.E999,-nan(ind),0.));\n#23=PRODUCT('open,'','',());\n"
            "#24=CARTESIAN_POINT('',(" + "(" * 20000 + ")" * 20000 + "));\n#25=;\n#=X();\n"
            "#4294967296123=PRODUCT('BIG','number','',());\nENDSEC;\nEND-ISO-10303-21;\n").encode("ascii")


def pointer():
    return (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0123456789abcdef" * 4 + b"\nsize 123456\n")


FILES = {
    "step/bracket.stp": bracket,
    "step/gearbox.step": assembly,
    "step/mesh.stpz": mesh,
    "step/bracket.stpz": packed,
    "damaged/cut.stp": cut,
    "damaged/pointer.step": pointer,
    "hostile/tangled.stp": tangled,
}
