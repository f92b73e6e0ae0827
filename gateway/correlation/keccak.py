"""Keccak-256 with its first padding, and the mixed-case addresses that are made with it (EIP-55). Pure.

Python's sha3_256 pads as FIPS 202 does, which gives other digests. Clients of Ethereum write an address that a server
gave in small letters with a checksum in the case of its letters; a replay has to write another address so.
"""

from __future__ import annotations

from typing import Final

RATE: Final = 136  # bytes of a block: 1600 bits less twice the digest's
ROTATIONS: Final = (
    (0, 36, 3, 41, 18), (1, 44, 10, 45, 2), (62, 6, 43, 15, 61), (28, 55, 25, 21, 56), (27, 20, 39, 8, 14),
)  # fmt: skip
MASK: Final = (1 << 64) - 1


def _round_constants() -> tuple[int, ...]:
    """The constants of the 24 rounds, from the shift register of FIPS 202 section 3.2.5."""
    found, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return tuple(found)


CONSTANTS: Final = _round_constants()


def _turned(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & MASK if by else lane


def _permuted(lanes: list[list[int]]) -> list[list[int]]:
    for constant in CONSTANTS:
        columns = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        mixed = [columns[(x - 1) % 5] ^ _turned(columns[(x + 1) % 5], 1) for x in range(5)]
        moved = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                moved[y][(2 * x + 3 * y) % 5] = _turned(lanes[x][y] ^ mixed[x], ROTATIONS[x][y])
        lanes = [
            [moved[x][y] ^ (~moved[(x + 1) % 5][y] & moved[(x + 2) % 5][y] & MASK) for y in range(5)] for x in range(5)
        ]
        lanes[0][0] ^= constant
    return lanes


def keccak_256(data: bytes) -> bytes:
    """The digest of 32 bytes."""
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % RATE))
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), RATE):
        for at in range(RATE // 8):
            lanes[at % 5][at // 5] ^= int.from_bytes(padded[start + 8 * at : start + 8 * at + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lanes[at % 5][at // 5].to_bytes(8, "little") for at in range(4))


def checksum_address(address: str) -> str:
    """ "0x5aaeb6..." as "0x5aAeb6...": a letter is a capital where the digest of the small ones has 8 or more."""
    small = address.lower().removeprefix("0x")
    digest = keccak_256(small.encode()).hex()
    return "0x" + "".join(
        letter.upper() if int(mark, 16) > 7 else letter for letter, mark in zip(small, digest, strict=False)
    )
