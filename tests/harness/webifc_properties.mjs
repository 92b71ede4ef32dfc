// Properties and places as web-ifc reads them: a second opinion for tests/e2e/test_ifc_webifc.py.
//
//   node webifc_properties.mjs FOLDER FILE…   FOLDER has node_modules/web-ifc
//
// Prints one JSON object: file -> {values, places, materials}.
//   values  [[set, name, value, GlobalId, source], …]: what objects have by IfcRelDefinesByProperties ("occurrence")
//           and what their types give them beside ("type"); of types without occurrences the type's own
//   places  [[GlobalId, GlobalId of the structure], …]: IfcRelContainedInSpatialStructure, the first of each object
//   materials  [[GlobalId, name, thickness], …]: what IfcRelAssociatesMaterial gives to an object itself, the first relation
//              of each; thicknesses in the file's unit, "" where there is none
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [folder, ...files] = process.argv.slice(2);
const W = createRequire(path.resolve(folder, "package.json"))("web-ifc");
const QUANTITIES = ["LengthValue", "AreaValue", "VolumeValue", "CountValue", "WeightValue", "TimeValue", "NumberValue"];
const ROOT = new Set(["expressID", "type", "GlobalId", "OwnerHistory", "Name", "Description"]);
console.log = () => {}; // web-ifc talks

const list = (value) => (Array.isArray(value) ? value : value === null || value === undefined ? [] : [value]);

function text(value) {
  if (value === null || value === undefined) return "";
  const inner = typeof value === "object" && "value" in value ? value.value : value;
  if (value.type === 3) return { T: "true", F: "false", U: "unknown", true: "true", false: "false" }[inner] ?? inner ?? "unknown";
  if (typeof inner === "boolean") return String(inner);
  return inner === null ? "unknown" : inner;
}

const joined = (values) => list(values).map(text).join("; ");

function bounded(property) {
  const [set, low, high] = [property.SetPointValue, property.LowerBoundValue, property.UpperBoundValue].map(text);
  const range = low === "" && high === "" ? "" : `${low} .. ${high}`.trim();
  return set === "" || range === "" ? `${set}${range}` : `${set} (${range})`;
}

class Reader {
  constructor(api, model) {
    this.api = api;
    this.model = model;
    this.lines = new Map();
  }

  line(id) {
    if (!this.lines.has(id)) this.lines.set(id, this.read(id));
    return this.lines.get(id);
  }

  // Of classes that its schema does not have it can only say that it has none.
  read(id) {
    try {
      return this.api.GetLine(this.model, id);
    } catch {
      return null;
    }
  }

  *all(type) {
    const ids = this.api.GetLineIDsWithType(this.model, type);
    for (let i = 0; i < ids.size(); i++) yield this.line(ids.get(i));
  }

  value(property) {
    switch (property.type) {
      case W.IFCPROPERTYSINGLEVALUE: return text(property.NominalValue);
      case W.IFCPROPERTYENUMERATEDVALUE: return joined(property.EnumerationValues);
      case W.IFCPROPERTYLISTVALUE: return joined(property.ListValues);
      case W.IFCPROPERTYBOUNDEDVALUE: return bounded(property);
      case W.IFCPROPERTYTABLEVALUE:
        return list(property.DefiningValues).map((key, i) => `${text(key)}: ${text(property.DefinedValues[i])}`).join("; ");
      case W.IFCPROPERTYREFERENCEVALUE: return text(this.line(property.PropertyReference.value).Name);
    }
    const key = QUANTITIES.find((name) => property[name] !== undefined && property[name] !== null);
    return key ? text(property[key]) : "";
  }

  *leaves(handles, before) {
    for (const handle of list(handles)) {
      const property = this.line(handle.value);
      if (!property) continue;
      const name = before + (property.Name?.value ?? "");
      const inner = property.HasProperties ?? property.HasQuantities;
      if (inner) yield* this.leaves(inner, `${name}.`);
      else yield [name, this.value(property)];
    }
  }

  // [[set, name, value], …] of one definition
  definition(id) {
    const set = this.line(id);
    if (!set) return [];
    const name = set.Name?.value || this.api.GetNameFromTypeCode(set.type);
    const handles = set.HasProperties ?? set.Quantities;
    if (handles) return [...this.leaves(handles, "")].map((row) => [name, ...row]);
    if (set.HasProperties === null || set.Quantities === null) return [];
    return Object.keys(set).filter((key) => !ROOT.has(key) && set[key] !== null).map((key) => [name, key, text(set[key])]);
  }

  // Map: express id of an object -> its own rows
  own() {
    const rows = new Map();
    for (const relation of this.all(W.IFCRELDEFINESBYPROPERTIES)) {
      const target = relation?.RelatingPropertyDefinition;
      if (!target) continue;
      for (const handle of list(Array.isArray(target.value) ? target.value : target)) {
        const found = this.definition(handle.value ?? handle);
        for (const object of list(relation.RelatedObjects)) rows.set(object.value, [...(rows.get(object.value) ?? []), ...found]);
      }
    }
    return rows;
  }

  *values() {
    const own = this.own();
    const used = new Set();
    const guid = (id) => this.line(id)?.GlobalId?.value;
    for (const [id, rows] of own) if (guid(id)) for (const row of rows) yield [...row, guid(id), "occurrence"];
    const seen = new Set();
    for (const relation of this.all(W.IFCRELDEFINESBYTYPE)) {
      const type = relation?.RelatingType?.value;
      const rows = list(this.line(type)?.HasPropertySets).flatMap((handle) => this.definition(handle.value));
      for (const object of list(relation?.RelatedObjects)) {
        if (seen.has(object.value) || !guid(object.value)) continue;
        seen.add(object.value);
        used.add(type);
        const known = new Set((own.get(object.value) ?? []).map(([set, name]) => `${set}\n${name}`));
        for (const row of rows) if (!known.has(`${row[0]}\n${row[1]}`)) yield [...row, guid(object.value), "type"];
      }
    }
    for (const id of this.api.GetAllLines(this.model)) {
      const line = used.has(id) ? null : this.line(id);
      if (!line?.HasPropertySets || !line.GlobalId) continue;
      for (const handle of list(line.HasPropertySets))
        for (const row of this.definition(handle.value)) yield [...row, line.GlobalId.value, "type"];
    }
  }

  places() {
    const places = new Map();
    for (const relation of this.all(W.IFCRELCONTAINEDINSPATIALSTRUCTURE))
      for (const object of list(relation?.RelatedElements)) {
        const guid = this.line(object.value)?.GlobalId?.value;
        const structure = this.line(relation.RelatingStructure?.value)?.GlobalId?.value;
        if (guid && structure && !places.has(guid)) places.set(guid, structure);
      }
    return [...places];
  }

  // [[name, thickness], …] of a definition of materials
  *parts(id) {
    const definition = this.line(id);
    if (!definition) return;
    const via = definition.ForLayerSet ?? definition.ForProfileSet ?? definition.Material;
    const many = definition.MaterialLayers ?? definition.MaterialProfiles ?? definition.MaterialConstituents ?? definition.Materials;
    if (many) for (const handle of many) yield* this.parts(handle.value);
    else if (definition.type === W.IFCMATERIAL) yield [definition.Name?.value ?? "", ""];
    else if ("Material" in definition)
      yield [this.line(definition.Material?.value)?.Name?.value ?? "", text(definition.LayerThickness)];
    else if (via) yield* this.parts(via.value);
  }

  materials() {
    const rows = [];
    const seen = new Set();
    for (const relation of this.all(W.IFCRELASSOCIATESMATERIAL))
      for (const object of list(relation?.RelatedObjects)) {
        const line = this.line(object.value);
        if (!line?.GlobalId || line.HasPropertySets !== undefined || seen.has(object.value)) continue;
        seen.add(object.value);
        for (const part of this.parts(relation.RelatingMaterial?.value)) rows.push([line.GlobalId.value, ...part]);
      }
    return rows;
  }
}

const api = new W.IfcAPI();
await api.Init();
api.SetLogLevel?.(6);
const out = {};
for (const file of files) {
  const model = api.OpenModel(new Uint8Array(fs.readFileSync(file)));
  if (model < 0) continue;
  const reader = new Reader(api, model);
  try {
    out[file] = { values: [...reader.values()], places: reader.places(), materials: reader.materials() };
  } catch (error) {
    out[file] = { error: String(error) };
  }
  api.CloseModel(model);
}
fs.writeSync(1, JSON.stringify(out) + "\n");
