"""Reading YAML: what Kubernetes would read, where it stands, and what is refused."""

from itertools import pairwise

import pytest

from kfi.snapshot.read.yaml_scalars import resolve
from kfi.snapshot.read.yaml_text import BadDocument, YamlDocument, read_yaml

CART = """\
# the cart
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
spec:
  replicas: 2
  template:
    spec:
      containers:
      - image: orchard/cart:1.4
        name: app
        args:
        - --port
        - "8080"
"""

PODS = """\
apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: cart-1
- apiVersion: v1
  kind: Pod
  metadata:
    name: cart-2
kind: PodList
metadata:
  resourceVersion: "77"
"""


def pod(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}


def test_every_field_knows_its_line_and_list_elements_go_by_name():
    (cart,) = read_yaml(CART, first_line=11)

    assert isinstance(cart, YamlDocument)
    assert (cart.first_line, cart.last_line) == (12, 25)
    assert cart.text == CART.split("\n", 1)[1].rstrip("\n")
    containers = ("spec", "template", "spec", "containers")
    assert cart.lines == {
        (): 12,
        ("apiVersion",): 12,
        ("kind",): 13,
        ("metadata",): 14,
        ("metadata", "name"): 15,
        ("spec",): 16,
        ("spec", "replicas"): 17,
        ("spec", "template"): 18,
        ("spec", "template", "spec"): 19,
        containers: 20,
        (*containers, "app"): 21,
        (*containers, "app", "image"): 21,
        (*containers, "app", "name"): 22,
        (*containers, "app", "args"): 23,
        (*containers, "app", "args", "0"): 24,
        (*containers, "app", "args", "1"): 25,
    }


def test_lines_can_be_given_instead_of_text():
    assert list(read_yaml(CART.split("\n"))) == list(read_yaml(CART))


def test_items_of_a_list_stand_on_their_own_and_the_list_follows():
    first, second, whole = read_yaml(PODS)

    assert [(d.value, d.index, d.first_line, d.last_line) for d in (first, second)] == [
        (pod("cart-1"), 0, 3, 6),
        (pod("cart-2"), 1, 7, 10),
    ]
    assert second.text == "\n".join(PODS.split("\n")[6:10])
    assert whole.is_list
    assert whole.value == {"apiVersion": "v1", "items": [], "kind": "PodList", "metadata": {"resourceVersion": "77"}}


def test_an_item_cut_out_of_its_list_reads_as_the_same_item():
    _, second, _ = read_yaml(PODS)

    (again,) = read_yaml(second.text, second.first_line)

    assert (again.value, again.lines) == (second.value, second.lines)


def test_items_without_a_kind_get_it_from_the_end_of_their_list():
    text = "items:\n- metadata: {name: cart-1}\n- metadata: {name: cart-2}\nkind: PodList\napiVersion: v1\n"

    assert [d.value for d in read_yaml(text)][:2] == [pod("cart-1"), pod("cart-2")]


def test_a_list_cut_off_in_a_scalar_keeps_all_items_but_the_last():
    cut = PODS[: PODS.index("cart-2") + 3]

    first, bad = read_yaml(cut)

    assert first.value == pod("cart-1")
    assert bad == BadDocument("the List is cut off in or after this item", 7)


def test_a_list_cut_off_in_a_quoted_text_keeps_its_whole_items():
    text = "kind: List\nitems:\n- kind: Pod\n- kind: Pod\n  message: 'no\n"

    assert [d.value if isinstance(d, YamlDocument) else d for d in read_yaml(text)] == [
        {"kind": "Pod"},
        BadDocument("the YAML ends in the middle of a value: it was cut off", 6),
    ]


def test_a_broken_document_costs_no_other():
    text = "a: 1\n---\nb: [\n---\nc: 3\n...\nd: 4\n"

    read = list(read_yaml(text))

    assert [d.value for d in read if isinstance(d, YamlDocument)] == [{"a": 1}, {"c": 3}, {"d": 4}]
    assert [d.line for d in read if isinstance(d, BadDocument)] == [4]


def test_a_mark_inside_a_block_of_text_does_not_part_documents():
    text = "data:\n  run.sh: |\n    ---\n    echo\n"

    assert [d.value for d in read_yaml(text)] == [{"data": {"run.sh": "---\necho\n"}}]


def test_comments_and_directives_alone_are_no_document():
    assert list(read_yaml("# nothing\n---\n\n%YAML 1.2\n---\n# still nothing\n")) == []


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("metadata:\n\tname: cart\n", "a tab indents this line; YAML allows only spaces", 2),
        (
            "spec:\n  {{- if .Values.on }}\n  replicas: 1\n",
            "it is a Helm template: render it with `helm template` and hand over the result",
            2,
        ),
        (
            "spec:\n  replicas: {{ .Values.count }}\n",
            "it is a Helm template: render it with `helm template` and hand over the result",
            2,
        ),
        ("? [a]\n: 1\n", "a key is itself a mapping or a list", 1),
        ("a: &x [*x]\n", "the alias 'x' names nothing that is known, or itself", 1),
        ("a: " + "[" * 200, "it nests deeper than 100 levels", 1),
        ("a: &x 1\nb: [" + "*x," * 100 + "]\n", "it has more than 100 anchors and aliases", 2),
    ],
)
def test_what_cannot_be_read_says_why_and_where(text, reason, line):
    assert list(read_yaml(text)) == [BadDocument(reason, line)]


def test_a_template_inside_a_text_is_no_helm_template():
    text = "annotations:\n  summary: 'Pod {{ $labels.pod }} is down'\n"

    assert [d.value for d in read_yaml(text)] == [{"annotations": {"summary": "Pod {{ $labels.pod }} is down"}}]


def test_an_alias_bomb_is_refused_before_it_is_unpacked():
    """Unpacked it has 400 million values: that would take longer than a test may."""
    letters = "abcdefghi"
    bomb = "a: &a [lol]\n" + "".join(
        f"{this}: &{this} [{','.join([f'*{before}'] * 9)}]\n" for before, this in pairwise(letters)
    )

    (bad,) = read_yaml(bomb)

    assert bad.reason == "it holds more than 1,000,000 values"


def test_a_million_brackets_do_not_crash_the_parser():
    (bad,) = read_yaml("[" * 1_000_000)

    assert bad == BadDocument("it nests deeper than 100 levels", 1)


def test_merge_keys_fill_in_what_is_not_given():
    text = "base: &base\n  cpu: 1\n  memory: 2\nlimits:\n  <<: *base\n  cpu: 4\nmore:\n  <<: [{a: 1}, {a: 2, b: 3}]\n"

    (read,) = read_yaml(text)

    assert read.value["limits"] == {"cpu": 4, "memory": 2}
    assert read.value["more"] == {"a": 1, "b": 3}
    assert (read.lines["limits", "cpu"], read.lines["limits", "memory"]) == (6, 3)


def test_of_a_key_given_twice_the_last_counts_and_it_is_said():
    (read,) = read_yaml("image: a\nname: app\nimage: b\n")

    assert read.value == {"image": "b", "name": "app"}
    assert read.notes == (BadDocument("the key 'image' is given twice; the last one counts", 3),)
    assert read.lines["image",] == 3


def test_the_object_of_a_watch_event_is_the_value():
    (read,) = read_yaml("object:\n  kind: Pod\ntype: DELETED\n")

    assert (read.watch, read.value) == ("DELETED", {"kind": "Pod"})
    assert read.lines == {(): 1, ("kind",): 2}


def test_odd_line_ends_and_control_characters_neither_fail_nor_shift_lines():
    (read,) = read_yaml("\ufeffa: 'x\u2028y\x1b\ud800'\r\nb: 2\r\n")

    assert read.value == {"a": "x\ufffdy\ufffd\ufffd", "b": 2}
    assert read.lines["b",] == 2


def test_many_items_on_one_line_do_not_each_carry_the_whole_line():
    text = "items: [" + ", ".join(f"{{kind: Pod, metadata: {{name: cart-{i}}}}}" for i in range(100)) + "]\n"

    items = [d for d in read_yaml("kind: List\n" + text) if d.index is not None]

    assert items[50].text == "{kind: Pod, metadata: {name: cart-50}}"


def test_neither_an_item_nor_the_list_shows_anything_of_a_neighbour():
    text = "items: [{kind: Secret, data: {p: hunter2}}, {kind: Pod}]\n"

    _, pod_item, whole = read_yaml(f"{text}kind: List\n")

    assert (pod_item.text, whole.text) == ("{kind: Pod}", "items: ")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("off", False),
        ("True", True),
        ("y", True),
        ("tRUE", "tRUE"),
        ("", None),
        ("~", None),
        ("0777", 511),
        ("0o17", 15),
        ("08", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1e3", 1000),
        ("2.50", 2.5),
        (".5", 0.5),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 1.8446744073709552e19),
        ("9" * 5000, "9" * 5000),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("1:30", "1:30"),
        ("10.0.0.1", "10.0.0.1"),
        ("2024-05-06", "2024-05-06"),
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
        ("-", "-"),
    ],
)
def test_a_plain_scalar_means_what_it_means_to_kubernetes(text, value):
    read = resolve(text, plain=True)

    assert (read, type(read)) == (value, type(value))


def test_quotes_and_tags_decide_the_type_of_a_scalar_and_keys_are_text():
    (read,) = read_yaml("a: '1'\nb: !!str 1\nc: !!int '1'\non: x\n8080: z\n")

    assert read.value == {"a": "1", "b": "1", "c": 1, "true": "x", "8080": "z"}
