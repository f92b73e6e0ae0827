"""What expressions of demo.yaml, and pages beside it, may use, and how much: limits for every operation. Pure.

Jinja's sandbox keeps an expression away from what is not its own. It does not keep `"a".rjust(2*10**8)` from taking the
memory, or nested loops from taking the processor, and a check of the result comes too late. So everything that an
expression can do is in a table here, with a bound of what it makes, and the bound is looked at before it is done:

- a filter, a method or an operator that is in no table is refused;
- nothing that is made may have more than LARGEST characters and items;
- everything costs steps: one, and one more for each WEIGHT characters and items that it reads or makes. An expression
  has STEPS of them, with which it can read about a million characters: some 20 ms on a slow machine.

Values that come in may be larger than LARGEST, as a recorded response may be; they cost what is done with them. No
operation changes a value, so a value is measured once.

A page of an author's own (PageSandbox) may use macros, blocks and other templates of its folder, and has more of
everything. What compiles into Python without a call (literal text, branches) is paid for by the loop, macro, block or
template around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

import jinja2
from jinja2 import nodes
from jinja2.filters import FILTERS
from jinja2.runtime import BlockReference, LoopContext, Macro, markup_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

LARGEST: Final = 100_000  # characters and items that one operation may make
STEPS: Final = 20_000
PAGE_LARGEST, PAGE_STEPS = 1_000_000, 200_000  # of a page: up to 0.2 s in a thread
ESCAPING: Final = 6  # a character becomes so many at most where markup is escaped: &#34;
MOST_NODES: Final = 4_000  # of a syntax tree: Python's compiler holds the interpreter for some 10 ms with them
NODE: Final = 8  # a node of a loop's body costs as much as so many characters
WEIGHT: Final = 64  # characters or items that cost one step more
DIGITS: Final = 1_000  # of a number: more cannot be meant, and each operation on it takes longer
TOO_LARGE: Final = PAGE_LARGEST + 1
FINEST: Final = 30  # decimal places to round to: 10 ** places is worked out
NUMBER: Final = re.compile(r"\d+")

Bound = Callable[..., int]  # (arguments) -> at most so many characters and items are made


class LimitError(Exception):
    """An expression asks for what it may not use, or for too much."""


class Budget:
    """The steps of one expression or page, and the sizes of the values that it has met."""

    def __init__(self, steps: int = STEPS, largest: int = LARGEST) -> None:
        self._steps = self._left = steps
        self._largest = largest
        self._sizes: dict[int, tuple[Any, int]] = {}  # by id; the value is held, so that no other gets its id

    def spend(self, steps: int) -> None:
        """Count some steps; LimitError when there were too many."""
        self._left -= steps
        if self._left < 0:
            raise LimitError(f"takes more than {self._steps} steps")

    def read(self, *values: Any) -> int:
        """The characters and items in these values together; they are paid for."""
        size = sum(map(self._size, values))
        self.spend(1 + size // WEIGHT)
        return size

    def make(self, what: str, bound: int) -> None:
        """Before something of that size is made. LimitError when it would be too large."""
        if bound > self._largest:
            raise LimitError(f"{what} would make something too large")
        self.spend(bound // WEIGHT)

    def _size(self, value: Any) -> int:
        if isinstance(value, str | bytes):
            return len(value)
        if not isinstance(value, Mapping | list | tuple | set | frozenset):
            return 1
        known = self._sizes.get(id(value))
        if known is None:
            known = self._sizes[id(value)] = value, _measured(value)
        return known[1]


def _measured(value: Any) -> int:
    """Without recursion: a recorded value may be nested deeply."""
    size, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        size += len(one) if isinstance(one, str | bytes) else 1
        if isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += one
    return size


BUDGET: ContextVar[Budget] = ContextVar("budget")


@contextmanager
def limited(budget: Budget | None = None) -> Iterator[None]:
    """What is worked out within has one budget."""
    token = BUDGET.set(budget or Budget())
    try:
        yield
    finally:
        BUDGET.reset(token)


# -- bounds


def _size(value: Any) -> int:
    return BUDGET.get().read(value)


def _same(*args: Any, **options: Any) -> int:
    """No more than was there: reading it was paid for."""
    return 0


def _each(value: Any, *args: Any, **options: Any) -> int:
    """The same, done in Python for every item: a step each."""
    BUDGET.get().spend(len(value) if isinstance(value, str | list | tuple | Mapping | set) else 1)
    return 0


def _wide(value: Any, width: Any = 80, *args: Any, **options: Any) -> int:
    return len(str(value)) + abs(int(width))


def _tabs(value: Any, tabsize: Any = 8) -> int:
    return len(value) + str(value).count("\t") * int(tabsize)


def _indent(s: Any, width: Any = 4, *args: Any, **options: Any) -> int:
    each = len(width) if isinstance(width, str) else int(width)
    return len(str(s)) + (str(s).count("\n") + 1) * each


def _replaced(s: Any, old: Any, new: Any, *args: Any, **options: Any) -> int:
    text, old = str(s), str(old)
    return len(text) + (text.count(old) if old else len(text) + 1) * len(str(new))


def _joined(value: Any, d: Any = "", attribute: Any = None) -> int:
    items = len(value) if isinstance(value, list | tuple | set | Mapping | str) else 1
    return _size(value) + items * len(str(d))


def _joined_by(mark: Any, items: Any) -> int:
    return _joined(items, mark)


def _formatted(value: Any, *args: Any, **options: Any) -> int:
    """Each field of a format may be as wide as any number in it or among the values, or as long as any value."""
    written = str(value)
    fields = written.count("{") + written.count("%")
    given = [one for arg in (*args, options) for one in (arg.values() if isinstance(arg, Mapping) else _items(arg))]
    numbers = [int(found) if len(found) < 9 else TOO_LARGE for found in NUMBER.findall(written)]
    numbers += [abs(one) for one in given if isinstance(one, int)]
    sizes = [_size(one) for one in given]
    return len(written) + fields * (max(numbers, default=0) + max(sizes, default=0) * 6)


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _batches(value: Any, linecount: Any, fill_with: Any = None) -> int:
    return _each(value) + _size(value) + abs(int(linecount))


def _slices(value: Any, slices: Any, fill_with: Any = None) -> int:
    return _each(value) + _size(value) + abs(int(slices))


def _wrapped(s: Any, width: Any = 79, break_long_words: Any = True, wrapstring: Any = None, *args: Any) -> int:
    return _each(str(s)) + len(str(s)) * (1 + len(str(wrapstring or "\n")))


def _printed(value: Any, indent: Any = 0) -> int:
    return _size(value) * (8 + int(indent or 0))


def _rounded(value: Any, precision: Any = 0, method: Any = "common") -> int:
    return 0 if abs(int(precision)) <= FINEST else TOO_LARGE


def _summed(iterable: Any, attribute: Any = None, start: Any = 0) -> int:
    """A sum of texts or lists makes every part of it on the way."""
    return _each(iterable) if isinstance(start, int | float) else TOO_LARGE


def _cut(s: Any, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = None) -> int:
    return len(str(s)) + len(str(end))


def _escaped(value: Any, *args: Any, **options: Any) -> int:
    return _size(value) * 9


# -- what may be used

# `urlize` is not here: its patterns are not linear.
FILTERS_ALLOWED: Final[Mapping[str, Bound]] = {
    **dict.fromkeys(
        ("abs", "attr", "capitalize", "count", "d", "default", "filesizeformat", "first", "float", "int", "items",
         "last", "length", "list", "lower", "random", "reverse", "safe", "string", "striptags", "trim", "upper",
         "wordcount"), _same,
    ),
    **dict.fromkeys(
        ("dictsort", "groupby", "map", "max", "min", "reject", "rejectattr", "select", "selectattr", "sort", "title",
         "unique"), _each,
    ),
    **dict.fromkeys(("e", "escape", "forceescape", "urlencode", "xmlattr"), _escaped),
    "batch": _batches, "center": _wide, "format": _formatted, "indent": _indent, "join": _joined, "pprint": _printed,
    "replace": _replaced, "round": _rounded, "slice": _slices, "sum": _summed, "tojson": _printed, "truncate": _cut,
    "wordwrap": _wrapped,
}  # fmt: skip
METHODS_ALLOWED: Final[Mapping[type, Mapping[str, Bound]]] = {
    str: {
        **dict.fromkeys(
            ("capitalize", "casefold", "count", "encode", "endswith", "find", "index", "isalnum", "isalpha", "isascii",
             "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle",
             "isupper", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "rfind", "rindex", "rpartition",
             "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper"), _same,
        ),
        **dict.fromkeys(("center", "ljust", "rjust", "zfill"), _wide),
        "expandtabs": _tabs, "format": _formatted, "join": _joined_by, "replace": _replaced,
    },
    bytes: {"decode": _same},
    list: dict.fromkeys(("count", "index", "copy"), _same),
    tuple: dict.fromkeys(("count", "index"), _same),
    dict: dict.fromkeys(("get", "items", "keys", "values", "copy"), _same),
    float: {"is_integer": _same},
    LoopContext: dict.fromkeys(("cycle", "changed"), _same),
}  # fmt: skip
REFUSED: Final = (
    nodes.Macro, nodes.CallBlock, nodes.Block, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends,
    nodes.FilterBlock, nodes.AssignBlock, nodes.EvalContextModifier,
)  # fmt: skip
# Names that no template can write.
COUNTED, PUT, CONCAT, WEIGHED, CHARGED = "(counted)", "(put)", "(concat)", "(weighed)", "(charged)"


def _checked(name: str, function: Callable[..., Any], bound: Bound, growth: int = 1) -> Callable[..., Any]:
    """A filter that says beforehand how much it makes. What a filter gives lazily is taken as a list."""
    passed = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def checked(*args: Any, **options: Any) -> Any:
        budget = BUDGET.get()
        given = [_settled(budget, value) for value in args[passed:]]
        budget.read(*given, *options.values())
        budget.make(f"'{name}'", bound(*given, **options) * growth)
        return function(*args[:passed], *given, **options)

    return checked


def _settled(budget: Budget, value: Any) -> Any:
    if not isinstance(value, Iterator):
        return value
    found = []
    for one in value:
        budget.spend(1)
        found.append(one)
    return found


def _counted(values: Any, cost: int) -> Iterator[Any]:
    """What a loop runs over; `cost` is the length of the text within it."""
    budget = BUDGET.get()
    for value in values:
        budget.spend(1 + cost // WEIGHT)
        yield value


def _charged(cost: int) -> str:
    """What stands once in a body that is run again and again: it pays for the text and the branches in it."""
    BUDGET.get().spend(1 + cost // WEIGHT)
    return ""


def _weighed(value: Any) -> Any:
    BUDGET.get().read(value)
    return value


def _concat(values: list[Any]) -> str:
    BUDGET.get().make("'~'", _size(values))
    return "".join(map(str, values))


def _concat_markup(values: list[Any]) -> str:
    BUDGET.get().make("'~'", _size(values) * ESCAPING)
    return markup_join(values)


class LimitedSandbox(ImmutableSandboxedEnvironment):
    """Jinja without globals, in which everything is counted. To be used within `limited()`."""

    intercepted_binops = frozenset(("+", "-", "*", "**", "/", "//", "%"))
    growth = 1  # how much larger than its bound a result may be

    def __init__(self, **options: Any) -> None:
        super().__init__(optimized=False, **{"undefined": jinja2.StrictUndefined, "autoescape": False} | options)
        self.globals.clear()
        self.filters = {
            name: _checked(name, FILTERS[name], bound, self.growth) for name, bound in FILTERS_ALLOWED.items()
        }
        self.filters |= {COUNTED: _counted, PUT: _weighed, WEIGHED: _weighed, CONCAT: _concat, CHARGED: _charged}

    def template_of(self, tree: nodes.Template) -> jinja2.Template:
        """A template whose every operation is counted; LimitError when it uses what may not be used."""
        for node in tree.find_all(REFUSED):
            raise LimitError(f"'{type(node).__name__.lower()}' is not available in expressions")
        return self.from_string(self.counted(tree))

    def counted(self, tree: nodes.Template) -> nodes.Template:
        """The tree with its counts; LimitError when it is too large, or runs a loop within itself."""
        for loop in tree.find_all(nodes.For):
            if loop.recursive:
                raise LimitError("a recursive loop is not available")
        if sum(1 for _ in tree.find_all(nodes.Node)) > MOST_NODES:
            raise LimitError(f"has more than {MOST_NODES} parts")
        counted: nodes.Template = _Counting(self).visit(tree)
        return counted

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        budget = BUDGET.get()
        budget.read(left, right)
        budget.make(f"'{operator}'", _combined(operator, left, right) * self.growth)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Any, __obj: Any, *args: Any, **options: Any) -> Any:
        """Only methods of plain values, within their bounds. LimitError for all others."""
        if isinstance(__obj, jinja2.Undefined):
            return super().call(__context, __obj, *args, **options)
        method = getattr(__obj, "__wrapped__", __obj)  # the sandbox wraps str.format
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        kind = str if isinstance(owner, Markup) else type(owner)
        bound = METHODS_ALLOWED.get(kind, {}).get(name)
        if bound is None:
            raise LimitError(f"'{name or type(__obj).__name__}' cannot be called")
        budget = BUDGET.get()
        given = [_settled(budget, value) for value in args]
        values = [owner, *given, *options.values()]
        budget.read(*(value for value in values if not isinstance(value, LoopContext)))
        budget.make(f"'{name}'", bound(owner, *given, **options) * __self.growth)
        return super().call(__context, __obj, *given, **options)


class PagePart:
    """A function that a page may call: what makes a ready-made part of it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._function(*args, **options)


class PageSandbox(LimitedSandbox):
    """Pages of an author's own: escaped, with macros, blocks and the templates that `loader` knows."""

    growth = ESCAPING

    def __init__(self, loader: jinja2.BaseLoader) -> None:
        super().__init__(loader=loader, undefined=jinja2.Undefined, autoescape=True)
        self.filters[CONCAT] = _concat_markup

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return self.counted(super()._parse(source, name, filename))

    def call(__self, __context: Any, __obj: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(__obj, Macro | BlockReference | PagePart):
            return super().call(__context, __obj, *args, **options)
        BUDGET.get().read(*args, *options.values())
        return ImmutableSandboxedEnvironment.call(__self, __context, __obj, *args, **options)


def page_budget() -> Budget:
    """What one page may take."""
    return Budget(PAGE_STEPS, PAGE_LARGEST)


def _weight(node: nodes.Node) -> int:
    """Characters and nodes of what is run without a call of its own."""
    return sum(len(each.data) if isinstance(each, nodes.TemplateData) else NODE for each in node.find_all(nodes.Node))


def _combined(operator: str, left: Any, right: Any) -> int:
    """What an operator makes."""
    sequences = [side for side in (left, right) if isinstance(side, str | bytes | list | tuple)]
    if operator == "%" and isinstance(left, str | bytes):
        return _formatted(left if isinstance(left, str) else left.decode("latin-1"), right)
    if sequences:
        times = next((abs(side) for side in (left, right) if isinstance(side, int)), 1)
        return sum(map(_size, sequences)) * (times if operator == "*" else 1)
    if not (isinstance(left, int) and isinstance(right, int)):
        return 0
    bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
    return TOO_LARGE if bits > DIGITS * 3 else 0


class _Counting(NodeTransformer):
    """Puts a count in front of what Jinja compiles into plain Python: loops, output, `~`, comparisons and slices;
    macros, blocks and whole templates."""

    def __init__(self, environment: jinja2.Environment) -> None:
        self._environment = environment

    def visit_For(self, node: nodes.For) -> nodes.Node:
        cost = _weight(node)
        self.generic_visit(node)
        if isinstance(node.iter, nodes.Expr):
            node.iter = self._through(COUNTED, node.iter, [nodes.Const(cost)])
        return node

    def _visit_body(self, node: nodes.Template | nodes.Macro | nodes.CallBlock | nodes.Block) -> nodes.Node:
        cost = nodes.Const(_weight(node), lineno=node.lineno)
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(self._through(CHARGED, cost), lineno=node.lineno))
        return node

    visit_Template = visit_Macro = visit_CallBlock = visit_Block = _visit_body

    def _visit_reference(self, node: nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends) -> nodes.Node:
        self.generic_visit(node)
        node.template = self._through(WEIGHED, node.template)
        return node

    visit_Include = visit_Import = visit_FromImport = visit_Extends = _visit_reference

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        self.generic_visit(node)
        node.nodes = [each if isinstance(each, nodes.TemplateData) else self._through(PUT, each) for each in node.nodes]
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return self._through(CONCAT, nodes.List(node.nodes, lineno=node.lineno))

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = self._through(WEIGHED, node.expr)
        for operand in node.ops:
            operand.expr = self._through(WEIGHED, operand.expr)
        return node

    def visit_Test(self, node: nodes.Test) -> nodes.Node:
        self.generic_visit(node)
        if node.name not in ("defined", "undefined"):  # which take what is not there
            node.node = self._through(WEIGHED, node.node)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = self._through(WEIGHED, node.node)
        return node

    def _through(self, name: str, node: nodes.Expr, args: list[nodes.Expr] | None = None) -> nodes.Filter:
        made = nodes.Filter(node, name, args or [], [], None, None, lineno=node.lineno)
        made.set_environment(self._environment)
        for arg in args or ():
            arg.set_environment(self._environment)
        return made
