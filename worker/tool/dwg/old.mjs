// Drawings from before release 13, which LibreDWG writes as it has read them: angles in radians
// where DXF has degrees.

const versions = ['MC0.0', 'AC1.', 'AC2.', 'AC1001', 'AC1002', 'AC1003', 'AC1004', 'AC1006', 'AC1009'];

export function isOld(bytes) {
    const version = bytes.subarray(0, 6).toString('latin1');
    return versions.some((name) => version.startsWith(name));
}

// 50 and 51 are angles in every entity and in VIEW and VPORT of these releases; of LTYPE and STYLE 50
// is the angle of obliquing, an angle as well. Header variables have 50 only for angles.
export function repairOld(dxf) {
    const lines = Buffer.from(dxf).toString('latin1').split('\n');
    for (let i = 0; i + 1 < lines.length; i += 2) {
        const code = Number(lines[i]);
        if (code !== 50 && code !== 51) continue;
        const radians = Number(lines[i + 1]);
        if (Number.isFinite(radians)) lines[i + 1] = String((radians * 180) / Math.PI);
    }
    return Buffer.from(lines.join('\n'), 'latin1');
}
