import pytest

from kfi.diagnosis.conditions.pull_message import Pull, folder_of, pull_failure, registry_of

PULL = 'failed to pull and unpack image "r.example/a/b:1": failed to resolve reference "r.example/a/b:1": '


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (PULL + "r.example/a/b:1: not found", Pull.NOT_FOUND),
        (
            "Error response from daemon: manifest for a/b:1 not found: manifest unknown: manifest unknown",
            Pull.NOT_FOUND,
        ),
        ("reading manifest 1 in r.example/a/b: manifest unknown", Pull.NOT_FOUND),
        (PULL + "unexpected status from HEAD request to https://m.example/v2/b?ns=r: 403 Forbidden", Pull.FORBIDDEN),
        (PULL + "failed to authorize: failed to fetch anonymous token: unexpected status: 403", Pull.UNAUTHORIZED),
        ('Head "https://r.example/v2/a": no basic auth credentials', Pull.UNAUTHORIZED),
        ("unable to retrieve auth token: invalid username/password: unauthorized", Pull.UNAUTHORIZED),
        ("Error response from daemon: unknown: Authentication is required", Pull.UNAUTHORIZED),
        ("Requesting bearer token: invalid status code from registry 403 (Forbidden)", Pull.UNAUTHORIZED),
        ("Error response from daemon: denied: access forbidden", Pull.UNCLEAR),
        ("pull access denied, repository does not exist or may require authorization", Pull.UNCLEAR),
        ("reading manifest 1 in docker.io/a/b: requested access to the resource is denied", Pull.UNCLEAR),
        ('Get "https://r.example/v2/": dial tcp 10.2.3.4:443: i/o timeout', Pull.UNREACHABLE),
        ('fetch anonymous token: Get "https://r.example/t": dial tcp 10.2.3.4:443: i/o timeout', Pull.UNREACHABLE),
        ("net/http: TLS handshake timeout", Pull.UNREACHABLE),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", Pull.UNREACHABLE),
        ("dial tcp: lookup r.example on 10.0.0.2:53: no such host", Pull.DNS),
        ("dial tcp: lookup r.example: Temporary failure in name resolution", Pull.DNS),
        ("dial tcp: lookup r.example on 10.0.0.2:53: server misbehaving", Pull.DNS),
        ("lookup r.example on 10.0.0.2:53: read udp 10.0.0.9:41->10.0.0.2:53: i/o timeout", Pull.DNS),
        ("429 Too Many Requests - Server message: toomanyrequests: You have reached your rate limit", Pull.RATE_LIMIT),
        ("no match for platform in manifest: not found", Pull.PLATFORM),
        ("couldn't parse image name: invalid reference format", Pull.INVALID_NAME),
        ("write /var/lib/x: no space left on device", Pull.NO_SPACE),
        ("connection error: dial unix /run/containerd/containerd.sock: connect: no such file", Pull.RUNTIME),
        ("Error: ErrImagePull", Pull.UNKNOWN),
    ],
)
def test_runtimes_and_registries_word_one_failure_in_many_ways(message: str, kind: Pull):
    assert pull_failure(message) is kind


def test_the_name_of_an_image_is_not_read_as_an_error():
    message = 'Back-off pulling image "r.example/unauthorized/not-found:404"'

    assert pull_failure(message, "r.example/unauthorized/not-found:404") is Pull.UNKNOWN


def test_an_image_without_registry_is_docker_hubs():
    assert (registry_of("cache:7"), folder_of("cache:7")) == ("docker.io", "docker.io/library")
    assert (registry_of("r.example:5000/a/b:1"), folder_of("r.example:5000/a/b:1")) == (
        "r.example:5000",
        "r.example:5000/a",
    )
