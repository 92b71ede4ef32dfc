// Property values as web-ifc reads them: a second opinion for tests/e2e/test_ifc_corpus.py.
//
//   node webifc_properties.mjs FOLDER FILE…   FOLDER has node_modules/web-ifc
//
// Prints one JSON object: file -> [[set, name, value, GlobalId], …] of single values and quantities that
// objects have by IfcRelDefinesByProperties.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [folder, ...files] = process.argv.slice(2);
const W = createRequire(path.resolve(folder, "package.json"))("web-ifc");
const QUANTITIES = ["LengthValue", "AreaValue", "VolumeValue", "CountValue", "WeightValue", "TimeValue"];
console.log = () => {}; // web-ifc talks

function text(value) {
  if (value === null || value === undefined) return "";
  const inner = typeof value === "object" && "value" in value ? value.value : value;
  if (value.type === 3) return { T: "true", F: "false", U: "unknown" }[inner] ?? { true: "true", false: "false" }[inner] ?? "unknown";
  return inner;
}

function* values(api, model, set) {
  for (const handle of set.HasProperties ?? []) {
    const property = api.GetLine(model, handle.value);
    if (property?.type === W.IFCPROPERTYSINGLEVALUE) yield [property.Name.value, text(property.NominalValue)];
  }
  for (const handle of set.Quantities ?? []) {
    const quantity = api.GetLine(model, handle.value);
    for (const key of QUANTITIES) if (quantity?.[key] !== undefined) yield [quantity.Name.value, text(quantity[key])];
  }
}

const api = new W.IfcAPI();
await api.Init();
api.SetLogLevel?.(6);
const out = {};
for (const file of files) {
  const model = api.OpenModel(new Uint8Array(fs.readFileSync(file)));
  if (model < 0) continue;
  const rows = [];
  const relations = api.GetLineIDsWithType(model, W.IFCRELDEFINESBYPROPERTIES);
  for (let i = 0; i < relations.size(); i++) {
    const relation = api.GetLine(model, relations.get(i));
    const set = relation?.RelatingPropertyDefinition?.value && api.GetLine(model, relation.RelatingPropertyDefinition.value);
    if (!set) continue;
    const found = [...values(api, model, set)];
    for (const handle of relation.RelatedObjects ?? []) {
      const guid = api.GetLine(model, handle.value)?.GlobalId?.value;
      if (guid) for (const [name, value] of found) rows.push([set.Name?.value ?? "", name, value, guid]);
    }
  }
  out[file] = rows;
  api.CloseModel(model);
}
fs.writeSync(1, JSON.stringify(out) + "\n");
