"""Digests and addresses of the texts that define them."""

from __future__ import annotations

import pytest
from sessions import session

from gateway.correlation import correlate
from gateway.correlation.keccak import checksum_address, keccak_256


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_known_digests(data: bytes, digest: str):
    assert keccak_256(data).hex() == digest


@pytest.mark.parametrize(
    "address",  # EIP-55, "Test Cases"
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_addresses_of_the_proposal(address: str):
    assert checksum_address(address.lower()) == address


def test_an_address_in_small_letters_is_found_again_with_its_checksum():
    found = correlate(
        session("""
POST /eth
{"jsonrpc": "2.0", "id": 0, "method": "eth_accounts", "params": []}
-> 200
{"jsonrpc": "2.0", "id": 0, "result": ["0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"]}

POST /eth
{"jsonrpc": "2.0", "id": 1, "method": "eth_getBalance", "params": ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"]}
-> 200
{"jsonrpc": "2.0", "id": 1, "result": "0x0"}
""")
    )
    (binding,) = found.in_force
    assert binding.transforms == ("checksum",) and str(binding.sink) == "2:json:/params/0"
