// Drawings from before release 13, which LibreDWG reads well and writes less well: angles in radians where DXF has
// degrees, and of some no entities at all. The first is put right in its DXF; for the second a DXF is written here
// from what it has read.

const versions = ['MC0.0', 'AC1.', 'AC2.', 'AC1001', 'AC1002', 'AC1003', 'AC1004', 'AC1006', 'AC1009'];

export function isOld(bytes) {
    const version = Buffer.from(bytes.subarray(0, 6)).toString('latin1');
    return versions.some((name) => version.startsWith(name));
}

const degrees = (radians) => (radians * 180) / Math.PI;

// 50 and 51 are angles wherever these releases have them.
export function repairAngles(dxf) {
    const lines = Buffer.from(dxf).toString('latin1').split('\n');
    for (let i = 0; i + 1 < lines.length; i += 2) {
        const code = Number(lines[i]);
        if (code !== 50 && code !== 51) continue;
        const radians = Number(lines[i + 1]);
        if (Number.isFinite(radians)) lines[i + 1] = String(degrees(radians));
    }
    return Buffer.from(lines.join('\n'), 'latin1');
}

// Blocks that begin, but not those that end, or the other way: the rest is not to be relied on.
export function isBroken(dxf) {
    const text = Buffer.from(dxf).toString('latin1');
    const count = (name) => text.split(new RegExp(`\\n *0\\r?\\n${name}\\r?\\n`)).length;
    return count('BLOCK') !== count('ENDBLK');
}

class Writer {
    parts = [];

    put(code, value) {
        if (value === undefined || value === null || (typeof value === 'number' && !Number.isFinite(value))) return;
        this.parts.push(`${String(code).padStart(3)}\n${String(value).replace(/[\r\n\0]/g, ' ')}\n`);
    }

    point(code, at) {
        if (!at) return;
        this.put(code, at.x);
        this.put(code + 10, at.y);
        this.put(code + 20, at.z);
    }

    section(name, fill) {
        this.put(0, 'SECTION');
        this.put(2, name);
        fill();
        this.put(0, 'ENDSEC');
    }

    table(name, entries, fill) {
        this.put(0, 'TABLE');
        this.put(2, name);
        this.put(70, entries.length);
        for (const entry of entries) {
            this.put(0, name);
            this.put(2, entry.name);
            fill(entry);
        }
        this.put(0, 'ENDTAB');
    }
}

function putText(w, text) {
    w.point(10, text.startPoint);
    w.put(40, text.textHeight);
    w.put(50, degrees(text.rotation ?? 0));
    if (text.xScale) w.put(41, text.xScale);
    if (text.halign || text.valign) {
        w.put(72, text.halign);
        w.put(73, text.valign);
        w.point(11, text.endPoint);
    }
}

function putAttribute(w, entity) {
    putText(w, entity.text ?? entity);
    w.put(1, typeof entity.text === 'string' ? entity.text : (entity.text?.text ?? ''));
    w.put(2, entity.tag);
    w.put(70, entity.flags ?? 0);
}

const names = { POLYLINE2D: 'POLYLINE', POLYLINE3D: 'POLYLINE', '3DFACE': '3DFACE' };

const bodies = {
    POINT: (w, e) => w.point(10, e.position),
    LINE: (w, e) => (w.point(10, e.startPoint), w.point(11, e.endPoint)),
    CIRCLE: (w, e) => (w.point(10, e.center), w.put(40, e.radius)),
    ARC: (w, e) => (w.point(10, e.center), w.put(40, e.radius), w.put(50, degrees(e.startAngle)), w.put(51, degrees(e.endAngle))),
    TEXT: (w, e) => (putText(w, e), w.put(1, e.text)),
    ATTDEF: (w, e) => (putAttribute(w, e), w.put(3, e.prompt)),
    SOLID: (w, e) => [e.corner1, e.corner2, e.corner3, e.corner4].forEach((at, i) => w.point(10 + i, at)),
    SHAPE: (w, e) => (w.point(10, e.insertionPoint), w.put(40, e.size)),
    INSERT(w, e) {
        w.put(66, e.attribs?.length ? 1 : undefined);
        w.put(2, e.name || undefined);
        w.point(10, e.insertionPoint);
        for (const [code, scale] of [[41, e.xScale], [42, e.yScale], [43, e.zScale]]) w.put(code, scale || 1);
        w.put(50, degrees(e.rotation ?? 0));
        for (const attribute of e.attribs ?? []) {
            w.put(0, 'ATTRIB');
            w.put(8, attribute.layer);
            putAttribute(w, attribute);
        }
        if (e.attribs?.length) w.put(0, 'SEQEND');
    },
    POLYLINE(w, e) {
        w.put(66, 1);
        w.put(70, e.flag ?? 0);
        for (const vertex of e.vertices ?? []) {
            w.put(0, 'VERTEX');
            w.put(8, e.layer);
            w.point(10, vertex);
            if (vertex.bulge) w.put(42, vertex.bulge);
        }
        w.put(0, 'SEQEND');
    },
    DIMENSION(w, e) {
        w.put(2, e.name || undefined);
        w.point(10, e.definitionPoint);
        w.point(11, e.textPoint);
        w.put(70, e.dimensionType);
        if (e.text?.trim()) w.put(1, e.text);
        w.point(13, e.subDefinitionPoint1);
        w.point(14, e.subDefinitionPoint2);
        w.point(15, e.centerPoint ?? e.arcPoint);
    },
};
bodies.TRACE = bodies.SOLID;

function putEntity(w, entity) {
    const name = names[entity.type] ?? entity.type;
    w.put(0, name);
    w.put(8, entity.layer || '0');
    if (entity.isInPaperSpace) w.put(67, 1);
    bodies[name]?.(w, entity);
}

// `drawing`: what LibreDwg.convert() of the package makes of a drawing.
export function write(drawing) {
    const w = new Writer();
    const { LAYER, STYLE, BLOCK_RECORD } = drawing.tables;
    const blocks = BLOCK_RECORD.entries.filter((block) => block.name.toUpperCase() !== '*MODEL_SPACE');
    const layers = LAYER.entries.filter((layer, i, all) => all.findIndex((other) => other.name === layer.name) === i);

    w.section('HEADER', () => {
        w.put(9, '$ACADVER');
        w.put(1, 'AC1009');
    });
    w.section('TABLES', () => {
        w.table('LAYER', layers, (layer) => {
            w.put(70, (layer.frozen ? 1 : 0) | (layer.locked ? 4 : 0));
            w.put(62, layer.off ? -layer.colorIndex : layer.colorIndex);
        });
        w.table('STYLE', STYLE.entries, (style) => {
            w.put(40, style.fixedTextHeight);
            w.put(3, style.font);
        });
    });
    w.section('BLOCKS', () => {
        w.put(0, 'BLOCK');
        w.put(8, '0');
        w.put(2, '*MODEL_SPACE');
        w.put(0, 'ENDBLK');
        for (const block of blocks) {
            w.put(0, 'BLOCK');
            w.put(8, '0');
            w.put(2, block.name || '*U');
            w.put(70, block.flags & 7);
            w.point(10, block.basePoint);
            for (const entity of block.entities ?? []) putEntity(w, entity);
            w.put(0, 'ENDBLK');
        }
    });
    w.section('ENTITIES', () => drawing.entities.forEach((entity) => putEntity(w, entity)));
    w.put(0, 'EOF');
    return Buffer.from(w.parts.join(''), 'utf8');
}
