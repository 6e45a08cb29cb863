#!/usr/bin/env python3
"""Writes saslprep-tables.txt, the Unicode data SaslPrep.cs needs: run it as ./saslprep-tables.py > saslprep-tables.txt

Needed because with InvariantGlobalization string.Normalize leaves everything but ASCII as it is. PostgreSQL refuses to prepare a
password with characters that Unicode 3.2 did not know (RFC 3454, A.1), so normalisation data are kept for those it knew; their
decompositions have not changed since.
"""
import stringprep
import unicodedata

CODES = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def ranges(mark, test):
    start = previous = None
    for code in CODES + [0x200000]:
        if code < 0x110000 and test(chr(code)):
            if start is None:
                start = code
            elif code != previous + 1:
                print(f"{mark} {start:X} {previous:X}")
                start = code
            previous = code
        elif start is not None:
            print(f"{mark} {start:X} {previous:X}")
            start = None


prohibited = [stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4, stringprep.in_table_c5,
              stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8, stringprep.in_table_c9]
print("# Made by saslprep-tables.py. Marks: S space, N nothing, P prohibited, U unassigned, R right-to-left, L left-to-right (first, last);")
print("# C combining class (code, class), D full compatibility decomposition (code, parts), M canonical composition (first, second, result).")
ranges("S", stringprep.in_table_c12)
ranges("N", stringprep.in_table_b1)
ranges("P", lambda c: any(table(c) for table in prohibited))
ranges("U", stringprep.in_table_a1)
ranges("R", stringprep.in_table_d1)
ranges("L", stringprep.in_table_d2)
known = [c for c in CODES if not stringprep.in_table_a1(chr(c)) and not 0xAC00 <= c <= 0xD7A3]
for code in known:
    if unicodedata.combining(chr(code)):
        print(f"C {code:X} {unicodedata.combining(chr(code))}")
for code in known:
    full = unicodedata.normalize("NFKD", chr(code))
    if full != chr(code):
        print(f"D {code:X} " + " ".join(f"{ord(c):X}" for c in full))
for code in known:
    parts = unicodedata.decomposition(chr(code)).split()
    if len(parts) == 2 and not parts[0].startswith("<") and unicodedata.normalize("NFC", chr(code)) == chr(code):
        print(f"M {parts[0]} {parts[1]} {code:X}")
