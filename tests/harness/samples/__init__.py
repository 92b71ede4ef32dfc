"""Writers of the sample files: small PDF and DXF files of known content, the same bytes every time."""
