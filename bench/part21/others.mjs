// How long other readers take for one file: node others.mjs web-ifc|occt FILE ROUNDS
// Prints one JSON line: processor seconds of each round, and what was found.
import { readFileSync } from "node:fs";

const [reader, file, rounds] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(file));

function cpu() {
    const used = process.cpuUsage();
    return (used.user + used.system) / 1e6;
}

// Opening a model: its records are indexed, no shape is made.
async function webIfc() {
    const { IfcAPI, LogLevel } = await import("web-ifc");
    const api = new IfcAPI();
    await api.Init();
    api.SetLogLevel(LogLevel.LOG_LEVEL_OFF);
    return () => {
        const model = api.OpenModel(bytes);
        const records = api.GetAllLines(model).size();
        api.CloseModel(model);
        return records;
    };
}

// The only thing it does is the whole way: read, transfer, mesh. The mesh is as coarse as it gets.
async function occt() {
    const { createRequire } = await import("node:module");
    const library = await createRequire(import.meta.url)("occt-import-js")();
    return () => {
        const result = library.ReadStepFile(bytes, { linearDeflectionType: "bounding_box_ratio", linearDeflection: 0.5, angularDeflection: 1.5 });
        return result.success ? result.meshes.length : -1;
    };
}

const read = await (reader === "occt" ? occt() : webIfc());
const seconds = [];
let found = 0;
for (let i = 0; i < Number(rounds); i++) {
    const before = cpu();
    found = read();
    seconds.push(cpu() - before);
}
console.log(JSON.stringify({ reader, bytes: bytes.length, cpu_s: seconds, found }));
