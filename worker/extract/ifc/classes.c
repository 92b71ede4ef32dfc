#include "worker/extract/ifc/classes.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* All subtypes of IfcObjectDefinition in IFC2X3, IFC4 and IFC4X3 without their "Ifc", by what they
 * are and where PredefinedType stands in IFC2X3 and later (-1: nowhere). */
/* clang-format off */
static const struct {
    enum qr_ifc_kind kind;
    int old, now;
    const char *names;
} groups[] = {
    {QR_IFC_ELEMENT, -1, -1,
     " Borehole BuildingElement BuildingElementComponent BuiltElement CivilElement "
     "DeepFoundation DistributionControlElement DistributionElement "
     "DistributionFlowElement EarthworksElement ElectricDistributionPoint "
     "ElectricalElement Element ElementComponent EnergyConversionDevice EquipmentElement "
     "FlowController FlowFitting FlowMovingDevice FlowSegment FlowStorageDevice "
     "FlowTerminal FlowTreatmentDevice FurnishingElement Geomodel Geoslice "
     "GeotechnicalAssembly GeotechnicalElement ReinforcingElement TransportationDevice "},
    {QR_IFC_ELEMENT, -1, 8,
     " BuildingElementProxy Ramp Roof Stair TransportElement "},
    {QR_IFC_ELEMENT, -1, 12,
     " ReinforcingBar "},
    {QR_IFC_ELEMENT, 8, 8,
     " Actuator AirTerminal AirTerminalBox AirToAirHeatRecovery Alarm AudioVisualAppliance "
     "Beam BeamStandardCase Bearing Boiler BuildingElementPart Burner CableCarrierFitting "
     "CableCarrierSegment CableFitting CableSegment CaissonFoundation Chiller Chimney "
     "Coil Column ColumnStandardCase CommunicationsAppliance Compressor Condenser "
     "Controller ConveyorSegment CooledBeam CoolingTower Course Covering CurtainWall "
     "Damper DiscreteAccessory DistributionBoard DistributionChamberElement DuctFitting "
     "DuctSegment DuctSilencer EarthworksFill ElectricAppliance ElectricDistributionBoard "
     "ElectricFlowStorageDevice ElectricFlowTreatmentDevice ElectricGenerator "
     "ElectricMotor ElectricTimeControl Engine EvaporativeCooler Evaporator Fan Fastener "
     "Filter FireSuppressionTerminal FlowInstrument FlowMeter Footing Furniture "
     "GeographicElement GeotechnicalStratum HeatExchanger Humidifier "
     "ImpactProtectionDevice Interceptor JunctionBox Kerb Lamp LightFixture "
     "LiquidTerminal MedicalDevice Member MemberStandardCase "
     "MobileTelecommunicationsAppliance MooringDevice MotorConnection NavigationElement "
     "Outlet Pavement Pile PipeFitting PipeSegment Plate PlateStandardCase "
     "ProtectiveDevice ProtectiveDeviceTrippingUnit Pump Rail Railing RampFlight "
     "ReinforcedSoil SanitaryTerminal Sensor ShadingDevice Sign Signal Slab "
     "SlabElementedCase SlabStandardCase SolarDevice SpaceHeater StackTerminal "
     "SwitchingDevice SystemFurnitureElement Tank TrackElement Transformer TubeBundle "
     "UnitaryControlElement UnitaryEquipment Valve Vehicle VibrationDamper "
     "VibrationIsolator Wall WallElementedCase WallStandardCase WasteTerminal "},
    {QR_IFC_ELEMENT, 9, 9,
     " ElementAssembly Tendon TendonAnchor TendonConduit "},
    {QR_IFC_ELEMENT, 10, 10,
     " Door DoorStandardCase MechanicalFastener Window WindowStandardCase "},
    {QR_IFC_ELEMENT, 12, 12,
     " StairFlight "},
    {QR_IFC_ELEMENT, 17, 17,
     " ReinforcingMesh "},
    {QR_IFC_FEATURE, -1, -1,
     " ChamferEdgeFeature EdgeFeature FeatureElement FeatureElementAddition "
     "FeatureElementSubtraction RoundedEdgeFeature "},
    {QR_IFC_FEATURE, 8, 8,
     " EarthworksCut OpeningElement OpeningStandardCase ProjectionElement SurfaceFeature "
     "VoidingFeature "},
    {QR_IFC_PRODUCT, -1, -1,
     " AlignmentCant AlignmentHorizontal AlignmentSegment AlignmentVertical LinearElement "
     "LinearPositioningElement Port PositioningElement Product Proxy StructuralAction "
     "StructuralActivity StructuralConnection StructuralCurveConnection StructuralItem "
     "StructuralLinearActionVarying StructuralMember StructuralPlanarActionVarying "
     "StructuralPointAction StructuralPointConnection StructuralPointReaction "
     "StructuralReaction StructuralSurfaceConnection "},
    {QR_IFC_PRODUCT, -1, 11,
     " StructuralLinearAction StructuralPlanarAction "},
    {QR_IFC_PRODUCT, 7, 7,
     " Alignment Annotation Referent StructuralCurveMember StructuralCurveMemberVarying "
     "StructuralSurfaceMember StructuralSurfaceMemberVarying "},
    {QR_IFC_PRODUCT, 8, 8,
     " DistributionPort VirtualElement "},
    {QR_IFC_PRODUCT, 9, 9,
     " StructuralCurveReaction StructuralSurfaceReaction "},
    {QR_IFC_PRODUCT, 10, 10,
     " Grid "},
    {QR_IFC_PRODUCT, 11, 11,
     " StructuralCurveAction StructuralSurfaceAction "},
    {QR_IFC_SPATIAL, -1, -1,
     " Building BuildingStorey ExternalSpatialStructureElement Facility FacilityPart Site "
     "SpatialElement SpatialStructureElement "},
    {QR_IFC_SPATIAL, -1, 9,
     " Space "},
    {QR_IFC_SPATIAL, 8, 8,
     " ExternalSpatialElement SpatialZone "},
    {QR_IFC_SPATIAL, 9, 9,
     " Bridge MarineFacility Railway Road "},
    {QR_IFC_SPATIAL, 10, 10,
     " BridgePart FacilityPartCommon MarinePart RailwayPart RoadPart "},
    {QR_IFC_TYPE, -1, -1,
     " BuildingElementType BuiltElementType CivilElementType ConstructionResourceType "
     "DeepFoundationType DistributionControlElementType DistributionElementType "
     "DistributionFlowElementType DoorStyle ElementComponentType ElementType "
     "EnergyConversionDeviceType FlowControllerType FlowFittingType FlowMovingDeviceType "
     "FlowSegmentType FlowStorageDeviceType FlowTerminalType FlowTreatmentDeviceType "
     "FurnishingElementType ReinforcingElementType SpatialElementType "
     "SpatialStructureElementType TransportationDeviceType TypeObject TypeProcess "
     "TypeProduct TypeResource WindowStyle "},
    {QR_IFC_TYPE, 9, 9,
     " ActuatorType AirTerminalBoxType AirTerminalType AirToAirHeatRecoveryType AlarmType "
     "AudioVisualApplianceType BeamType BearingType BoilerType BuildingElementPartType "
     "BuildingElementProxyType BurnerType CableCarrierFittingType CableCarrierSegmentType "
     "CableFittingType CableSegmentType CaissonFoundationType ChillerType ChimneyType "
     "CoilType ColumnType CommunicationsApplianceType CompressorType CondenserType "
     "ControllerType ConveyorSegmentType CooledBeamType CoolingTowerType CourseType "
     "CoveringType CurtainWallType DamperType DiscreteAccessoryType DistributionBoardType "
     "DistributionChamberElementType DoorType DuctFittingType DuctSegmentType "
     "DuctSilencerType ElectricApplianceType ElectricDistributionBoardType "
     "ElectricFlowStorageDeviceType ElectricFlowTreatmentDeviceType ElectricGeneratorType "
     "ElectricHeaterType ElectricMotorType ElectricTimeControlType ElementAssemblyType "
     "EngineType EvaporativeCoolerType EvaporatorType EventType FanType FastenerType "
     "FilterType FireSuppressionTerminalType FlowInstrumentType FlowMeterType FootingType "
     "GasTerminalType GeographicElementType HeatExchangerType HumidifierType "
     "ImpactProtectionDeviceType InterceptorType JunctionBoxType KerbType LampType "
     "LightFixtureType LiquidTerminalType MechanicalFastenerType MedicalDeviceType "
     "MemberType MobileTelecommunicationsApplianceType MooringDeviceType "
     "MotorConnectionType NavigationElementType OutletType PavementType PileType "
     "PipeFittingType PipeSegmentType PlateType ProcedureType "
     "ProtectiveDeviceTrippingUnitType ProtectiveDeviceType PumpType RailType RailingType "
     "RampFlightType RampType ReinforcingBarType ReinforcingMeshType RoofType "
     "SanitaryTerminalType SensorType ShadingDeviceType SignType SignalType SlabType "
     "SolarDeviceType SpaceHeaterType SpaceType SpatialZoneType StackTerminalType "
     "StairFlightType StairType SwitchingDeviceType SystemFurnitureElementType TankType "
     "TaskType TendonAnchorType TendonConduitType TendonType TrackElementType "
     "TransformerType TransportElementType TubeBundleType UnitaryControlElementType "
     "UnitaryEquipmentType ValveType VehicleType VibrationDamperType "
     "VibrationIsolatorType WallType WasteTerminalType WindowType "},
    {QR_IFC_TYPE, 10, 10,
     " FurnitureType "},
    {QR_IFC_TYPE, 11, 11,
     " ConstructionEquipmentResourceType ConstructionMaterialResourceType "
     "ConstructionProductResourceType CrewResourceType LaborResourceType "
     "SubContractResourceType "},
    {QR_IFC_GROUP, -1, -1,
     " Asset Condition ElectricalCircuit Group StructuralResultGroup System Zone "},
    {QR_IFC_GROUP, -1, 5,
     " Inventory "},
    {QR_IFC_GROUP, 5, 5,
     " BuildingSystem BuiltSystem StructuralAnalysisModel StructuralLoadCase "
     "StructuralLoadGroup "},
    {QR_IFC_GROUP, 6, 6,
     " DistributionCircuit DistributionSystem "},
    {QR_IFC_CONTEXT, -1, -1,
     " Context Project ProjectLibrary "},
    {QR_IFC_OTHER, -1, -1,
     " Actor ConditionCriterion ConstructionResource Control EquipmentStandard "
     "FurnitureStandard Move Object ObjectDefinition OrderAction Process Resource "
     "ScheduleTimeControl ServiceLife SpaceProgram TimeSeriesSchedule WorkControl "},
    {QR_IFC_OTHER, -1, 7,
     " Procedure "},
    {QR_IFC_OTHER, -1, 10,
     " ConstructionMaterialResource SubContractResource "},
    {QR_IFC_OTHER, -1, 13,
     " WorkPlan WorkSchedule "},
    {QR_IFC_OTHER, 6, 6,
     " ActionRequest CostItem Occupant Permit ProjectOrder ProjectOrderRecord "},
    {QR_IFC_OTHER, 7, 7,
     " Event PerformanceHistory "},
    {QR_IFC_OTHER, 8, 8,
     " WorkCalendar "},
    {QR_IFC_OTHER, 10, 10,
     " ConstructionEquipmentResource ConstructionProductResource CrewResource "
     "LaborResource "},
    {QR_IFC_OTHER, 12, 6,
     " CostSchedule "},
    {QR_IFC_OTHER, 12, 12,
     " Task "},
};
/* clang-format on */

/* Where `name` stands in a list of words; NULL: nowhere. */
static const char *find(const char *words, const char *name, size_t len)
{
    for (const char *at = words; *at;) {
        at += *at == ' ';
        size_t n = strcspn(at, " ");
        if (n == len && strncasecmp(at, name, len) == 0)
            return at;
        at += n;
    }
    return NULL;
}

static bool ends(const char *text, const char *tail)
{
    size_t len = strlen(text);
    size_t n = strlen(tail);

    return len > n && strcmp(text + len - n, tail) == 0;
}

/* "IFCSOMETHINGNEW" as "Ifcsomethingnew": where its words begin is not known. */
static void spell(const char *type, struct qr_ifc_class *ret)
{
    snprintf(ret->name, sizeof ret->name, "%s", type);
    for (char *at = ret->name; *at; at++)
        *at = (char)(at == ret->name ? toupper((unsigned char)*at) : tolower((unsigned char)*at));
}

struct qr_ifc_class qr_ifc_class_of(const char *type, bool old)
{
    struct qr_ifc_class ret = {.kind = QR_IFC_NONE, .predefined = -1};
    size_t len = strlen(type);

    if (len < 5 || strncmp(type, "IFC", 3) != 0)
        return ret;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        const char *found = find(groups[i].names, type + 3, len - 3);
        if (!found)
            continue;
        ret.kind = groups[i].kind;
        ret.predefined = old ? groups[i].old : groups[i].now;
        snprintf(ret.name, sizeof ret.name, "Ifc%.*s", (int)(len - 3), found);
        return ret;
    }
    spell(type, &ret);
    if (strncmp(type, "IFCREL", 6) != 0 && ends(type, "TYPE"))
        ret.kind = QR_IFC_TYPE;
    return ret;
}

bool qr_ifc_is_product(enum qr_ifc_kind kind)
{
    return kind == QR_IFC_ELEMENT || kind == QR_IFC_FEATURE || kind == QR_IFC_PRODUCT ||
           kind == QR_IFC_SPATIAL;
}
