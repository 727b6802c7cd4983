"""Rent notices for the demo, written as PDF by hand."""


def notice(*lines: str) -> bytes:
    """Return a PDF page with these lines."""
    shown = " ".join(f"({line}) Tj T*" for line in lines).encode("cp1252")
    text = b"BT /F 16 Tf 26 TL 60 770 Td " + shown + b" ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F 5 0 R >> >>",
    )
    paper, places = b"%PDF-1.4\n", b""
    for number, content in enumerate(objects, 1):
        places += b"%010d 00000 n \n" % len(paper)
        paper += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    ending = b"trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(paper)
    return paper + b"xref\n0 7\n0000000000 65535 f \n" + places + ending
