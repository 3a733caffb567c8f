"""
Who may do what: whether the Roles and bindings that were seen allow a request, and what is missing if not.

Source: rbac.authorization.k8s.io/v1. Only what was seen is judged: rules that no text shows allow nothing here, since
somebody was refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.access_objects import AccessRule, Binding, Role, Subject
from kfi.snapshot.view import Snapshot

# Source: k8s.io/apiserver, responsewriters.forbiddenMessage. Programs quote it with its quotes escaped.
_Q = r"\\*\""
_FORBIDDEN = re.compile(
    rf"[Uu]ser {_Q}(?P<user>[^\"\\]+){_Q} cannot (?P<verb>\w+) "
    rf"(?:resource {_Q}(?P<resource>[^\"\\]+){_Q} in API group {_Q}(?P<group>[^\"\\]*){_Q}"
    rf"(?: in the namespace {_Q}(?P<namespace>[^\"\\]+){_Q})?|path {_Q}(?P<path>[^\"\\]+){_Q})"
)
_ACCOUNT = re.compile(r"system:serviceaccount:([^:]+):(.+)")


@dataclass(frozen=True)
class Request:
    """What somebody was forbidden to do."""

    user: str
    verb: str
    resource: str
    group: str
    namespace: str
    """Empty: cluster-wide."""

    @property
    def account(self) -> tuple[str, str] | None:
        """Namespace and name of the ServiceAccount that asked; None where it was another user."""
        match = _ACCOUNT.fullmatch(self.user)
        return (match[1], match[2]) if match else None

    @property
    def said(self) -> str:
        """`list pods in namespace orchard`."""
        group = f".{self.group}" if self.group else ""
        where = f"in namespace {self.namespace}" if self.namespace else "in the whole cluster"
        return f"{self.verb} {self.resource}{group} {where}"


def forbidden(text: str) -> Request | None:
    """Read who was forbidden to do what.

    >>> forbidden('pods is forbidden: User "jo" cannot list resource "pods" in API group "" at the cluster scope').said
    'list pods in the whole cluster'
    """
    match = _FORBIDDEN.search(text)
    if not match:
        return None
    resource = match["resource"] or match["path"]
    return Request(match["user"], match["verb"], resource, match["group"] or "", match["namespace"] or "")


def allows(snapshot: Snapshot, request: Request, cluster: str) -> bool:
    """Tell whether a binding that was seen allows a request."""
    roles = [_role(snapshot, b) for b in _bindings(snapshot, request, cluster) if _means(b, request)]
    return any(_covers(rule, request) for role in roles if role for rule in role.rules or ())


def lacking(snapshot: Snapshot, request: Request, cluster: str) -> tuple[str, tuple[Citation, ...]]:
    """Say what stands in the way of a request, with the lines that show it; nothing where too little was seen."""
    bindings = list(_bindings(snapshot, request, cluster))
    mine = [binding for binding in bindings if _means(binding, request)]
    for binding in mine:
        absent = snapshot.absent(_role_ref(binding))
        if absent:
            said = f"{binding.ref.kind} {binding.name} names {binding.role_ref.kind} {binding.role_ref.name}, which"
            return f"{said} does not exist", (*snapshot.cite(binding.ref, ("roleRef",)), absent)
    for binding in mine:
        role = _role(snapshot, binding)
        if role is not None and role.rules is not None:
            said = (
                f"{role.ref.kind} {role.name}, to which {binding.ref.kind} {binding.name} binds it, does not allow it"
            )
            return said, (*_near(snapshot, role, request), *snapshot.cite(binding.ref, ("subjects",)))
    return _other_subject(snapshot, bindings, request) or _no_binding(snapshot, request, cluster)


def _bindings(snapshot: Snapshot, request: Request, cluster: str) -> Iterator[Binding]:
    for binding in snapshot.live(Binding):
        here = binding.ref.kind == "ClusterRoleBinding" or binding.namespace == request.namespace
        if here and binding.ref.cluster == cluster:
            yield binding


def _means(binding: Binding, request: Request) -> bool:
    return any(_is(subject, request) for subject in binding.subjects)


def _is(subject: Subject, request: Request) -> bool:
    account = request.account
    if subject.kind == "ServiceAccount":
        return account == (subject.namespace, subject.name)
    if subject.kind == "User" or account is None:
        return subject.name == request.user
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}", "system:authenticated")
    return subject.name in groups


def _role_ref(binding: Binding) -> ObjectRef:
    home = binding.namespace if binding.role_ref.kind == "Role" else ""
    return ObjectRef(
        cluster=binding.ref.cluster, kind=binding.role_ref.kind, namespace=home, name=binding.role_ref.name
    )


def _role(snapshot: Snapshot, binding: Binding) -> Role | None:
    found = snapshot.objects.get(_role_ref(binding))
    return found if isinstance(found, Role) else None


def _covers(rule: AccessRule, request: Request) -> bool:
    resource = request.resource
    return (
        bool({"*", request.verb} & set(rule.verbs))
        and bool({"*", request.group} & set(rule.api_groups))
        and bool({"*", resource, f"*/{resource.partition('/')[2]}"} & set(rule.resources))
    )


def _near(snapshot: Snapshot, role: Role, request: Request) -> tuple[Citation, ...]:
    """Give the lines of the rules that come nearest to a request: those of its resource, else all."""
    near = [i for i, rule in enumerate(role.rules or ()) if request.resource in rule.resources]
    paths = [("rules", str(i), field) for i in near for field in ("resources", "verbs")]
    return snapshot.cite(role.ref, *paths) if paths else snapshot.cite(role.ref, ("rules",))


def _other_subject(
    snapshot: Snapshot, bindings: list[Binding], request: Request
) -> tuple[str, tuple[Citation, ...]] | None:
    """Find a binding whose subject has the right name and another namespace: the usual slip."""
    account = request.account
    for binding in bindings if account else ():
        for subject in binding.subjects:
            if account and subject.kind == "ServiceAccount" and subject.name == account[1]:
                said = f"{binding.ref.kind} {binding.name} binds the ServiceAccount of namespace {subject.namespace}"
                return f"{said}, not of {account[0]}", snapshot.cite(binding.ref, ("subjects",))
    return None


def _no_binding(snapshot: Snapshot, request: Request, cluster: str) -> tuple[str, tuple[Citation, ...]]:
    kinds = ["ClusterRoleBinding", *(["RoleBinding"] if request.namespace else [])]
    if all(snapshot.listed(kind, request.namespace, cluster) for kind in kinds):
        return "no binding names it", ()
    return "", ()
