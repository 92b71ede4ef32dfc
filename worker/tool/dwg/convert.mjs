// DWG to DXF by LibreDWG compiled to WebAssembly, as a program that stays: worker/tool/tool.h has the
// lines it reads and answers. The worker puts this file, LibreDWG's two and old.mjs into the folder it
// runs in. By hand: node convert.mjs, then "some.dwg some.dxf" and Enter.
//
// Every file gets a new instance, so no damage that one does to memory lasts; the code is compiled once.
import { existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBroken, isOld, repairAngles, write } from './old.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const installed = join(here, 'node_modules/@mlightcad/libredwg-web');

// The files as the worker puts them, or as npm installs them.
const files = existsSync(join(here, 'libredwg-web.wasm'))
    ? { glue: 'libredwg-web.mjs', code: 'libredwg-web.wasm', model: 'libredwg-model.mjs' }
    : { glue: join(installed, 'wasm/libredwg-web.js'), code: join(installed, 'wasm/libredwg-web.wasm'),
        model: join(installed, 'dist/libredwg-web.js') };
const path = (file) => resolve(here, file);

const createModule = (await import(path(files.glue))).default;
const compiled = new WebAssembly.Module(readFileSync(path(files.code)));

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

// Why LibreDWG could do nothing with it, and what to try.
function unreadable(bytes, code) {
    const head = Buffer.from(bytes.subarray(0, 32)).toString('latin1');
    if (head.startsWith('version https://git-lfs') || head.startsWith('version https://hawser'))
        return 'fail invalid_input a Git LFS pointer, not the drawing; hint: fetch the real file with `git lfs pull`';
    const version = /^AC10(\d\d)/.exec(head);
    if (version && Number(version[1]) > 32)
        return `fail unsupported the DWG is of version ${version[0]}, and LibreDWG reads up to AC1032 (AutoCAD 2018); hint: ` +
            'save it as AutoCAD 2018, or name a converter that knows it with --dwg-converter (docs/tools.md)';
    return `fail invalid_input the DWG cannot be read: ${explain(code)}; hint: open it with a CAD program and save it anew`;
}

async function convert(from, to) {
    const bytes = readFileSync(from);
    if (bytes.length === 0) return 'fail invalid_input the file is empty; hint: replace it by what it should be';
    const libredwg = await instance();
    libredwg.FS.writeFile('in.dwg', bytes);
    const code = libredwg.dwg_write_dxf('in.dwg', 'out.dxf');
    if (code & OUT_OF_MEMORY) return 'fail resource LibreDWG had no memory left';
    if (code >= CRITICAL) return unreadable(bytes, code);
    let dxf = libredwg.FS.readFile('out.dxf');
    if (isOld(bytes)) dxf = isBroken(dxf) ? await writeOld(bytes) : repairAngles(dxf);
    if (dxf.length === 0) return 'fail invalid_input nothing could be read from the DWG';
    writeFileSync(to, dxf, { mode: 0o600 });
    return code === 0 ? 'ok' : `ok dwg.damaged the DWG is damaged: ${explain(code)}`;
}

// The package's own model of a drawing. It looks for the glue where npm put that.
async function model() {
    if (files.model !== 'libredwg-model.mjs') return import(files.model);
    const found = join(here, 'model.mjs');
    writeFileSync(found, readFileSync(path(files.model), 'utf8').replaceAll('../wasm/libredwg-web.js', './libredwg-web.mjs'));
    return import(found);
}

async function writeOld(bytes) {
    const { LibreDwg } = await model();
    const reader = LibreDwg.createByWasmInstance(await instance());
    return write(reader.convert(reader.dwg_read_data(bytes, 0)));
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
