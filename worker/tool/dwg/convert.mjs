// DWG to DXF by LibreDWG compiled to WebAssembly, as a program that stays: worker/tool/tool.h has the
// lines it reads and answers. The worker puts this file, LibreDWG's two and old.mjs into the folder it
// runs in. By hand: node convert.mjs, then "some.dwg some.dxf" and Enter.
//
// Every file gets a new instance, so no damage that one does to memory lasts; the code is compiled once.
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOld, repairOld } from './old.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const places = [['libredwg-web.mjs', 'libredwg-web.wasm'],
    ['node_modules/@mlightcad/libredwg-web/wasm/libredwg-web.js', 'node_modules/@mlightcad/libredwg-web/wasm/libredwg-web.wasm']];

async function load() {
    for (const [script, code] of places) {
        try {
            return [(await import(join(here, script))).default, new WebAssembly.Module(readFileSync(join(here, code)))];
        } catch (error) {
            if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
        }
    }
    throw new Error('LibreDWG is not installed; npm ci in this folder installs it');
}

const [createModule, compiled] = await load();

function instance() {
    return createModule({
        instantiateWasm(imports, receive) {
            const made = new WebAssembly.Instance(compiled, imports);
            receive(made, compiled);
            return made.exports;
        },
        print() {},
        printErr() {},
    });
}

// Dwg_Error, include/dwg.h of LibreDWG: bits, from 128 on nothing can be read
const errors = [
    [2048, 'it is no DWG, or of a kind that LibreDWG does not know'],
    [1024, 'LibreDWG met an internal error'],
    [512, 'a page that the drawing needs is missing'],
    [256, 'a section that the drawing needs is missing'],
    [128, 'the classes of the drawing are missing'],
    [64, 'values out of bounds'],
    [32, 'invalid extended data'],
    [16, 'invalid handles'],
    [8, 'objects of invalid type'],
    [4, 'classes that are not handled'],
    [2, 'something that is not supported yet'],
    [1, 'check sums do not match'],
];
const CRITICAL = 128;
const OUT_OF_MEMORY = 8192;

function explain(code) {
    const words = errors.filter(([bit]) => code & bit).map(([, text]) => text);
    return words.length > 0 ? words.slice(0, 3).join('; ') : `error ${code} of LibreDWG`;
}

async function convert(from, to) {
    const bytes = readFileSync(from);
    if (bytes.length === 0) return 'fail invalid_input the file is empty';
    const libredwg = await instance();
    libredwg.FS.writeFile('in.dwg', bytes);
    const code = libredwg.dwg_write_dxf('in.dwg', 'out.dxf');
    if (code & OUT_OF_MEMORY) return 'fail resource LibreDWG had no memory left';
    if (code >= CRITICAL) return `fail invalid_input the DWG cannot be read: ${explain(code)}`;
    let dxf = libredwg.FS.readFile('out.dxf');
    if (isOld(bytes)) dxf = repairOld(dxf);
    if (dxf.length === 0) return 'fail invalid_input nothing could be read from the DWG';
    writeFileSync(to, dxf, { mode: 0o600 });
    return code === 0 ? 'ok' : `ok dwg.damaged the DWG is damaged: ${explain(code)}`;
}

// What WebAssembly or Emscripten throw; the instance is not used again.
function failure(error) {
    const text = String(error && error.message ? error.message : error).replace(/\s+/g, ' ').slice(0, 200);
    if (error instanceof RangeError || /out of memory|OOM|memory growth|Cannot enlarge/i.test(text))
        return error instanceof RangeError && /call stack/i.test(text)
            ? 'fail crash LibreDWG ran into itself without end: call stack exceeded'
            : `fail resource LibreDWG had no memory left: ${text}`;
    return `fail crash LibreDWG crashed: ${text}`;
}

for await (const line of createInterface({ input: process.stdin })) {
    const [from, to] = line.split(' ');
    let answer;
    try {
        answer = await convert(from, to);
    } catch (error) {
        answer = failure(error);
    }
    writeSync(1, `${answer}\n`);
}
