"""ganache, a chain of its own: transfers and a contract by JSON-RPC, receipts polled for. Client: web3."""

from __future__ import annotations

from collections.abc import Iterator

from common import check, main
from web3 import HTTPProvider, Web3

# Returns 42, whoever calls it: the init code copies ten bytes of run-time code.
CONTRACT = "0x600a600c600039600a6000f3602a60005260206000f3"


def connect(base: str, session: str = "") -> Web3:
    headers = {"Content-Type": "application/json"} | ({"Gateway-Session": session} if session else {})
    return Web3(HTTPProvider(base, request_kwargs={"headers": headers}))


def seed(base: str) -> None:
    w3 = connect(base)
    a, b, *_ = w3.eth.accounts
    for _ in range(3):
        w3.eth.wait_for_transaction_receipt(
            w3.eth.send_transaction({"from": a, "to": b, "value": Web3.to_wei(1, "ether")})
        )


def flow(base: str, session: str) -> None:
    w3 = connect(base, session)
    accounts = w3.eth.accounts
    sent = w3.eth.send_transaction({"from": accounts[2], "to": accounts[3], "value": Web3.to_wei(5, "ether")})
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    check(receipt["status"] == 1, receipt)
    made = w3.eth.send_transaction({"from": accounts[2], "data": CONTRACT, "gas": 200000})
    where = w3.eth.wait_for_transaction_receipt(made)["contractAddress"]
    check(where and int(w3.eth.call({"to": where}).hex(), 16) == 42, "42")
    more = w3.eth.send_transaction({"from": accounts[3], "to": accounts[4], "value": Web3.to_wei(1, "ether")})
    check(w3.eth.wait_for_transaction_receipt(more)["status"] == 1, "sent")
    check(w3.eth.get_transaction(more)["value"] == Web3.to_wei(1, "ether"), "one")


def state(base: str) -> Iterator[str]:
    w3 = connect(base)
    for number, account in enumerate(w3.eth.accounts):
        ether = round(w3.from_wei(w3.eth.get_balance(account), "ether"))
        yield f"account {number} has {ether} ether"
    made = 0
    for at in range(w3.eth.block_number + 1):
        for one in w3.eth.get_block(at, full_transactions=True)["transactions"]:
            made += one["to"] is None  # type: ignore[index]
    yield f"contracts {made}"


main(seed, flow, state)
