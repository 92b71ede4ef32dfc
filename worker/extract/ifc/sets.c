#include "worker/extract/ifc/sets.h"

#include <strings.h>

/* clang-format off */
/* What holds values: where its name and its list of properties stand, or from which attribute on
 * the values themselves stand and what they are called. -1: nowhere. */
static const struct { const char *type; int name, list, from; const char *labels; } definitions[] = {
    {"IfcPropertySet", 2, 4, -1, NULL},
    {"IfcElementQuantity", 2, 5, -1, NULL},
    {"IfcMaterialProperties", 0, 2, -1, NULL},
    {"IfcExtendedMaterialProperties", 3, 1, -1, NULL},
    {"IfcProfileProperties", 0, 2, -1, NULL},
    {"IfcDoorLiningProperties", 2, -1, 4, "LiningDepth LiningThickness ThresholdDepth ThresholdThickness TransomThickness TransomOffset LiningOffset ThresholdOffset CasingThickness CasingDepth ShapeAspectStyle LiningToPanelOffsetX LiningToPanelOffsetY"},
    {"IfcDoorPanelProperties", 2, -1, 4, "PanelDepth PanelOperation PanelWidth PanelPosition ShapeAspectStyle"},
    {"IfcElectricalBaseProperties", 2, -1, 4, "EnergySequence UserDefinedEnergySequence ElectricCurrentType InputVoltage InputFrequency FullLoadCurrent MinimumCircuitCurrent MaximumPowerInput RatedPowerInput InputPhase"},
    {"IfcEnergyProperties", 2, -1, 4, "EnergySequence UserDefinedEnergySequence"},
    {"IfcFluidFlowProperties", 2, -1, 4, "PropertySource FlowConditionTimeSeries VelocityTimeSeries FlowrateTimeSeries Fluid PressureTimeSeries UserDefinedPropertySource TemperatureSingleValue WetBulbTemperatureSingleValue WetBulbTemperatureTimeSeries TemperatureTimeSeries FlowrateSingleValue FlowConditionSingleValue VelocitySingleValue PressureSingleValue"},
    {"IfcFuelProperties", -1, -1, 1, "CombustionTemperature CarbonContent LowerHeatingValue HigherHeatingValue"},
    {"IfcGeneralMaterialProperties", -1, -1, 1, "MolecularWeight Porosity MassDensity"},
    {"IfcHygroscopicMaterialProperties", -1, -1, 1, "UpperVaporResistanceFactor LowerVaporResistanceFactor IsothermalMoistureCapacity VaporPermeability MoistureDiffusivity"},
    {"IfcMechanicalConcreteMaterialProperties", -1, -1, 1, "DynamicViscosity YoungModulus ShearModulus PoissonRatio ThermalExpansionCoefficient CompressiveStrength MaxAggregateSize AdmixturesDescription Workability ProtectivePoreRatio WaterImpermeability"},
    {"IfcMechanicalMaterialProperties", -1, -1, 1, "DynamicViscosity YoungModulus ShearModulus PoissonRatio ThermalExpansionCoefficient"},
    {"IfcMechanicalSteelMaterialProperties", -1, -1, 1, "DynamicViscosity YoungModulus ShearModulus PoissonRatio ThermalExpansionCoefficient YieldStress UltimateStress UltimateStrain HardeningModule ProportionalStress PlasticStrain Relaxations"},
    {"IfcOpticalMaterialProperties", -1, -1, 1, "VisibleTransmittance SolarTransmittance ThermalIrTransmittance ThermalIrEmissivityBack ThermalIrEmissivityFront VisibleReflectanceBack VisibleReflectanceFront SolarReflectanceFront SolarReflectanceBack"},
    {"IfcPermeableCoveringProperties", 2, -1, 4, "OperationType PanelPosition FrameDepth FrameThickness ShapeAspectStyle"},
    {"IfcProductsOfCombustionProperties", -1, -1, 1, "SpecificHeatCapacity N20Content COContent CO2Content"},
    {"IfcReinforcementDefinitionProperties", 2, -1, 4, "DefinitionType ReinforcementSectionDefinitions"},
    {"IfcServiceLifeFactor", 2, -1, 4, "PredefinedType UpperValue MostUsedValue LowerValue"},
    {"IfcSoundProperties", 2, -1, 4, "IsAttenuating SoundScale SoundValues"},
    {"IfcSoundValue", 2, -1, 4, "SoundLevelTimeSeries Frequency SoundLevelSingleValue"},
    {"IfcSpaceThermalLoadProperties", 2, -1, 4, "ApplicableValueRatio ThermalLoadSource PropertySource SourceDescription MaximumValue MinimumValue ThermalLoadTimeSeriesValues UserDefinedThermalLoadSource UserDefinedPropertySource ThermalLoadType"},
    {"IfcThermalMaterialProperties", -1, -1, 1, "SpecificHeatCapacity BoilingPoint FreezingPoint ThermalConductivity"},
    {"IfcWaterProperties", -1, -1, 1, "IsPotable Hardness AlkalinityConcentration AcidityConcentration ImpuritiesContent PHLevel DissolvedSolidsContent"},
    {"IfcWindowLiningProperties", 2, -1, 4, "LiningDepth LiningThickness TransomThickness MullionThickness FirstTransomOffset SecondTransomOffset FirstMullionOffset SecondMullionOffset ShapeAspectStyle LiningOffset LiningToPanelOffsetX LiningToPanelOffsetY"},
    {"IfcWindowPanelProperties", 2, -1, 4, "OperationType PanelPosition FrameDepth FrameThickness ShapeAspectStyle"},
};
/* clang-format on */

static int definition_of(const char *type)
{
    for (size_t i = 0; i < QR_COUNT(definitions); i++)
        if (strcasecmp(type, definitions[i].type) == 0)
            return (int)i;
    return -1;
}

static const char *type_name(const struct qr_ifc *ifc, uint32_t instance)
{
    return qr_p21_type_name(ifc->p21, qr_p21_type_of(ifc->p21, instance));
}

void qr_ifc_leaves_init(struct qr_ifc_leaves *leaves, struct qr_ifc *ifc, uint32_t definition)
{
    const char *type = definition == QR_P21_NONE ? "" : type_name(ifc, definition);
    int at = definition_of(type);
    struct qr_p21_value value;

    leaves->ifc = ifc;
    leaves->depth = -1;
    leaves->labels = NULL;
    leaves->set = "";
    leaves->path[0] = '\0';
    if (at < 0)
        return;
    if (definitions[at].name >= 0)
        leaves->set = qr_ifc_attribute(ifc, definition, (size_t)definitions[at].name);
    if (leaves->set[0] == '\0')
        leaves->set = definitions[at].type;
    if (definitions[at].list >= 0) {
        if (!qr_p21_attribute(ifc->p21, definition, QR_P21_UNKNOWN, (size_t)definitions[at].list,
                              &value))
            return;
        leaves->depth = 0;
        leaves->path_len[0] = 0;
        leaves->stack[0] = qr_ifc_refs(&value);
        return;
    }
    leaves->labels = definitions[at].labels;
    leaves->cursor = qr_p21_attributes(ifc->p21, definition, QR_P21_UNKNOWN);
    for (int i = 0; i < definitions[at].from; i++)
        qr_p21_next(&leaves->cursor, &value);
}

/* The next attribute of a predefined set that has a value. */
static bool next_label(struct qr_ifc_leaves *leaves, struct qr_ifc_leaf *ret)
{
    while (*leaves->labels && qr_p21_next(&leaves->cursor, &ret->values[0])) {
        size_t len = strcspn(leaves->labels, " ");
        size_t kept = len < sizeof leaves->label ? len : sizeof leaves->label - 1;
        memcpy(leaves->label, leaves->labels, kept);
        leaves->label[kept] = '\0';
        leaves->labels += len + (leaves->labels[len] == ' ');
        if (ret->values[0].kind == QR_P21_UNSET || ret->values[0].kind == QR_P21_DERIVED)
            continue;
        for (size_t i = 1; i < QR_IFC_PROPERTY_VALUES; i++)
            ret->values[i].kind = QR_P21_END;
        ret->set = leaves->set;
        ret->name = leaves->label;
        ret->type = "";
        return true;
    }
    return false;
}

/* Where a property keeps properties; -1: it is no such. IfcComplexProperty,
 * IfcPhysicalComplexQuantity. */
static int inner_list(const char *type)
{
    return strcmp(type, "IFCCOMPLEXPROPERTY") == 0           ? 3
           : strcmp(type, "IFCPHYSICALCOMPLEXQUANTITY") == 0 ? 2
                                                             : -1;
}

/* A step that not only a longer file makes more of. False: there are no more. */
static bool spend(struct qr_ifc *ifc)
{
    if (ifc->budget > 0 && --ifc->budget > 0)
        return true;
    qr_record_partial(ifc->rec, "ifc.properties.capped",
                      "sets are shared so often that not all of their properties were looked at");
    return false;
}

/* Go into a property of properties. */
static void descend(struct qr_ifc_leaves *leaves, const struct qr_ifc_leaf *leaf, int list)
{
    size_t len = leaves->path_len[leaves->depth];
    size_t more = strlen(leaf->name);

    if (leaves->depth + 1 == QR_IFC_SET_DEPTH) {
        qr_record_partial(leaves->ifc->rec, "ifc.property.deep",
                          "properties within properties are not followed below level %d",
                          QR_IFC_SET_DEPTH);
        return;
    }
    if (len + more + 2 < sizeof leaves->path) {
        memmove(leaves->path + len, leaf->name, more);
        len += more;
        leaves->path[len++] = '.';
        leaves->path[len] = '\0';
    }
    leaves->depth++;
    leaves->path_len[leaves->depth] = (uint16_t)len;
    leaves->stack[leaves->depth] = qr_ifc_refs(&leaf->values[list]);
}

/* The name with the names of the complex properties around it. */
static const char *full_name(struct qr_ifc_leaves *leaves, const char *name)
{
    size_t len = leaves->path_len[leaves->depth];
    char *at = leaves->ifc->joined;

    if (len == 0)
        return name;
    size_t more = strlen(name);
    more =
        more < sizeof leaves->ifc->joined - len - 1 ? more : sizeof leaves->ifc->joined - len - 1;
    memcpy(at, leaves->path, len);
    memcpy(at + len, name, more);
    at[len + more] = '\0';
    return at;
}

bool qr_ifc_next_leaf(struct qr_ifc_leaves *leaves, struct qr_ifc_leaf *ret)
{
    struct qr_ifc *ifc = leaves->ifc;
    struct qr_p21_value value;

    if (leaves->labels)
        return next_label(leaves, ret);
    while (leaves->depth >= 0) {
        if (!qr_ifc_next_ref(&leaves->stack[leaves->depth], &value)) {
            leaves->depth--;
            continue;
        }
        uint32_t instance = qr_p21_follow(ifc->p21, &value);
        if (instance == QR_P21_NONE) {
            ifc->dangling++;
            if (!spend(ifc))
                return false;
            continue;
        }
        if (leaves->depth > 0 && !spend(ifc)) {
            leaves->depth = 0; /* what the set has itself only grows with the file */
            continue;
        }
        qr_p21_get(ifc->p21, instance, QR_P21_UNKNOWN, ret->values, QR_IFC_PROPERTY_VALUES);
        ret->set = leaves->set;
        ret->type = type_name(ifc, instance);
        ret->name = qr_ifc_text(ifc, &ret->values[0]);
        int list = inner_list(ret->type);
        if (list >= 0) {
            descend(leaves, ret, list);
            continue;
        }
        ret->name = full_name(leaves, ret->name);
        return true;
    }
    return false;
}

uint64_t qr_ifc_count_leaves(struct qr_ifc *ifc, uint32_t definition, uint64_t max)
{
    struct qr_ifc_leaves leaves;
    struct qr_p21_value value;
    struct qr_ifc_leaf leaf;
    uint64_t n = 0;

    qr_ifc_leaves_init(&leaves, ifc, definition);
    if (leaves.labels)
        while (n < max && next_label(&leaves, &leaf))
            n++;
    else if (leaves.depth == 0)
        while (n < max && qr_ifc_next_ref(&leaves.stack[0], &value))
            n++;
    return n;
}
