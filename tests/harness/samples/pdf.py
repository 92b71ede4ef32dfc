"""PDF: objects, streams, pages, and RC4 encryption of 40 bits.

Source: ISO 32000-1.
"""
import hashlib
import struct
import zlib

# ISO 32000-1, 7.6.3.3: the padding of passwords
PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def rc4(key, data):
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


class Pdf:
    """Objects by number; strings and streams are encrypted (RC4, 40 bit) when a password is given."""

    def __init__(self, version="1.4", password=None):
        self.version = version
        self.objects = []
        self.info = None
        self.encrypt = None
        self.id = hashlib.md5(b"quarry sample").digest()
        if password is not None:
            self._set_password(password.encode("latin-1"))

    def _set_password(self, user):
        # ISO 32000-1, algorithms 2, 3 and 4 for revision 2
        owner_key = hashlib.md5((b"owner" + PAD)[:32]).digest()[:5]
        owner = rc4(owner_key, (user + PAD)[:32])
        allowed = -4
        digest = hashlib.md5((user + PAD)[:32] + owner + struct.pack("<i", allowed) + self.id).digest()
        self.key = digest[:5]
        entry = rc4(self.key, PAD)
        self.encrypt = (f"<< /Filter /Standard /V 1 /R 2 /Length 40 /P {allowed} "
                        f"/O <{owner.hex()}> /U <{entry.hex()}> >>").encode()

    def _seal(self, number, data):
        if not self.encrypt:
            return data
        key = hashlib.md5(self.key + struct.pack("<I", number)[:3] + b"\0\0").digest()[:10]
        return rc4(key, data)

    def add(self, body):
        """A body is bytes, or a function of the object's number that returns bytes."""
        self.objects.append(body)
        return len(self.objects)

    def text(self, words):
        return lambda number: b"<" + self._seal(number, words).hex().encode() + b">"

    def stream(self, data, more=b"", flate=False):
        if flate:
            data = zlib.compress(data, 9)
            more += b" /Filter /FlateDecode"

        def body(number):
            sealed = self._seal(number, data)
            return b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(sealed), more, sealed)
        return self.add(body)

    def pages(self, contents, box="0 0 595 842", more=b"", resources=None):
        """One page for each content stream; returns the number of the page tree."""
        font = self.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
        tree = len(self.objects) + 1
        self.objects.append(None)
        kids = []
        for content in contents:
            stream = self.stream(content)
            uses = resources or b"<< /Font << /F1 %d 0 R >> >>" % font
            kids.append(self.add(b"<< /Type /Page /Parent %d 0 R /MediaBox [%s] /Resources %s /Contents %d 0 R%s >>"
                                 % (tree, box.encode(), uses, stream, more)))
        self.objects[tree - 1] = (b"<< /Type /Pages /Kids [" + b" ".join(b"%d 0 R" % kid for kid in kids) +
                                  b"] /Count %d >>" % len(kids))
        return tree

    def bytes(self, root):
        out = bytearray(b"%%PDF-%s\n%%\xE2\xE3\xCF\xD3\n" % self.version.encode())
        offsets = []
        if self.encrypt:
            encrypt = self.add(self.encrypt)
        for number, body in enumerate(self.objects, 1):
            offsets.append(len(out))
            data = body(number) if callable(body) else body
            out += b"%d 0 obj\n%s\nendobj\n" % (number, data)
        xref = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
        for offset in offsets:
            out += b"%010d 00000 n \n" % offset
        out += b"trailer\n<< /Size %d /Root %d 0 R /ID [<%s> <%s>]" % (
            len(offsets) + 1, root, self.id.hex().encode(), self.id.hex().encode())
        if self.info:
            out += b" /Info %d 0 R" % self.info
        if self.encrypt:
            out += b" /Encrypt %d 0 R" % encrypt
        return bytes(out + b" >>\nstartxref\n%d\n%%%%EOF\n" % xref)


def lines(*texts, size=12, x=72, y=760):
    out = b"BT /F1 %d Tf %d %d Td %d TL\n" % (size, x, y, size + 4)
    for text in texts:
        out += b"(" + text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b") Tj T*\n"
    return out + b"ET"


def document(contents, password=None, **more):
    pdf = Pdf(password=password)
    tree = pdf.pages(contents, **more)
    return pdf.bytes(pdf.add(b"<< /Type /Catalog /Pages %d 0 R >>" % tree))
