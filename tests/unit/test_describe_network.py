"""Services, endpoints, ingresses and network policies as `kubectl describe` prints them."""

from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.resources import CLASSES, Endpoints, Other


def only(text):
    (described,) = read_describe(text.split("\n"))
    CLASSES.get(described.object.kind, Other).model_validate(described.object.fields)
    return described.object


def test_a_service_keeps_its_endpoints_by_port():
    service = only("""\
Name:                     cart
Namespace:                orchard
Labels:                   <none>
Annotations:              <none>
Selector:                 app=cart,tier=shop
Type:                     NodePort
IP Family Policy:         SingleStack
IP Families:              IPv4
IP:                       10.96.0.7
IPs:                      10.96.0.7
LoadBalancer Ingress:     203.0.113.7 (VIP), lb.orchard.example
Port:                     http  80/TCP
TargetPort:               web/TCP
AppProtocol:              kubernetes.io/h2c
NodePort:                 http  30080/TCP
Endpoints:                10.20.1.7:8080,10.20.1.8:8080,10.20.1.9:8080 + 2 more...
Port:                     metrics  9090/TCP
TargetPort:               9090/TCP
NodePort:                 metrics  30090/TCP
Endpoints:                
Session Affinity:         None
External Traffic Policy:  Cluster
Internal Traffic Policy:  Cluster
Events:                   <none>
""")

    assert service.fields["spec"] == {
        "selector": {"app": "cart", "tier": "shop"},
        "type": "NodePort",
        "ipFamilyPolicy": "SingleStack",
        "ipFamilies": ["IPv4"],
        "clusterIP": "10.96.0.7",
        "clusterIPs": ["10.96.0.7"],
        "ports": [
            {
                "name": "http",
                "port": 80,
                "protocol": "TCP",
                "targetPort": "web",
                "appProtocol": "kubernetes.io/h2c",
                "nodePort": 30080,
                "kfiEndpoints": ["10.20.1.7:8080", "10.20.1.8:8080", "10.20.1.9:8080"],
            },
            {
                "name": "metrics",
                "port": 9090,
                "protocol": "TCP",
                "targetPort": 9090,
                "nodePort": 30090,
                "kfiEndpoints": [],
            },
        ],
        "sessionAffinity": "None",
        "externalTrafficPolicy": "Cluster",
        "internalTrafficPolicy": "Cluster",
    }
    assert service.fields["status"] == {
        "loadBalancer": {"ingress": [{"ip": "203.0.113.7"}, {"hostname": "lb.orchard.example"}]},
        "kfiEndpoints": ["10.20.1.7:8080", "10.20.1.8:8080", "10.20.1.9:8080"],
    }
    assert service.lines["spec", "ports", "metrics", "targetPort"] == 18


def test_a_service_without_selector_and_endpoints_is_known_to_have_none():
    service = only("""\
Name:              legacy
Namespace:         orchard
Selector:          <none>
Type:              ClusterIP
IP:                None
IPs:               None
Port:              <unset>  5432/TCP
TargetPort:        5432/TCP
Endpoints:         <none>
Session Affinity:  None
""")

    assert service.fields["spec"]["selector"] == {}
    assert service.fields["spec"]["clusterIP"] == "None"
    assert service.fields["spec"]["ports"] == [
        {"port": 5432, "protocol": "TCP", "targetPort": 5432, "kfiEndpoints": []}
    ]
    assert service.fields["status"] == {"kfiEndpoints": []}


def test_endpoints_are_read_subset_by_subset():
    endpoints = only("""\
Name:         cart
Namespace:    orchard
Labels:       app=cart
Annotations:  <none>
Subsets:
  Addresses:          10.20.1.7,10.20.1.8
  NotReadyAddresses:  <none>
  Ports:
    Name  Port  Protocol
    ----  ----  --------
    http  8080  TCP

  Addresses:          <none>
  NotReadyAddresses:  10.20.1.9
  Ports:
    Name     Port  Protocol
    ----     ----  --------
    <unset>  9090  UDP

Events:  <none>
""")

    assert endpoints.fields["subsets"] == [
        {
            "addresses": [{"ip": "10.20.1.7"}, {"ip": "10.20.1.8"}],
            "notReadyAddresses": [],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        },
        {
            "addresses": [],
            "notReadyAddresses": [{"ip": "10.20.1.9"}],
            "ports": [{"port": 9090, "protocol": "UDP"}],
        },
    ]


def test_endpoints_without_subsets_are_known_to_have_none():
    endpoints = only("Name:  cart\nNamespace:  orchard\nLabels:  <none>\nSubsets:\nEvents:  <none>\n")

    assert Endpoints.model_validate(endpoints.fields).subsets == []


def test_an_endpoint_slice_has_the_form_of_endpoints_too():
    found = only("""\
Name:         cart-x2x4z
Namespace:    orchard
Labels:       kubernetes.io/service-name=cart
Annotations:  <none>
AddressType:  IPv4
Ports:
  Name     Port  Protocol
  ----     ----  --------
  http     8080  TCP
Endpoints:
  - Addresses:  10.20.1.7
    Conditions:
      Ready:    true
    Hostname:   <unset>
    TargetRef:  Pod/cart-6f7d9c5b8-xk2lp
    NodeName:   node-a
    Zone:       <unset>
  - Addresses:  10.20.1.8
    Conditions:
      Ready:    false
    Hostname:   <unset>
    NodeName:   <unset>
    Zone:       <unset>
Events:         <none>
""")

    ready = {"nodeName": "node-a", "targetRef": {"kind": "Pod", "name": "cart-6f7d9c5b8-xk2lp"}}
    assert (found.kind, found.fields["addressType"]) == ("EndpointSlice", "IPv4")
    assert found.fields["endpoints"] == [
        {"addresses": ["10.20.1.7"], "conditions": {"ready": True}, **ready},
        {"addresses": ["10.20.1.8"], "conditions": {"ready": False}},
    ]
    assert found.fields["subsets"] == [
        {
            "addresses": [{"ip": "10.20.1.7", **ready}],
            "notReadyAddresses": [{"ip": "10.20.1.8"}],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        }
    ]


def test_an_ingress_keeps_what_kubectl_found_behind_its_backends():
    ingress = only("""\
Name:             shop
Labels:           <none>
Namespace:        orchard
Address:          203.0.113.7
Ingress Class:    nginx
Default backend:  <default>
TLS:
  shop-tls terminates shop.orchard.example,www.orchard.example
Rules:
  Host                  Path  Backends
  ----                  ----  --------
  shop.orchard.example  
                        /cart   cart:80 (10.20.1.7:8080)
                        /pay    pay:http (<error: services "pay" not found>)
  *                     
                        /   front:80 ()
Annotations:            nginx.ingress.kubernetes.io/rewrite-target: /
Events:                 <none>
""")

    assert ingress.namespace == "orchard"
    assert ingress.fields["metadata"]["annotations"] == {"nginx.ingress.kubernetes.io/rewrite-target": "/"}
    assert ingress.fields["spec"] == {
        "ingressClassName": "nginx",
        "tls": [{"hosts": ["shop.orchard.example", "www.orchard.example"], "secretName": "shop-tls"}],
        "rules": [
            {
                "host": "shop.orchard.example",
                "http": {
                    "paths": [
                        {
                            "path": "/cart",
                            "backend": {
                                "service": {"name": "cart", "port": {"number": 80}, "kfiEndpoints": "10.20.1.7:8080"}
                            },
                        },
                        {
                            "path": "/pay",
                            "backend": {
                                "service": {
                                    "name": "pay",
                                    "port": {"name": "http"},
                                    "kfiEndpoints": '<error: services "pay" not found>',
                                }
                            },
                        },
                    ]
                },
            },
            {
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "backend": {"service": {"name": "front", "port": {"number": 80}, "kfiEndpoints": ""}},
                        }
                    ]
                }
            },
        ],
    }


def test_a_network_policy_is_read():
    policy = only("""\
Name:         cart
Namespace:    orchard
Created on:   2025-03-03 09:15:02 +0000 UTC
Labels:       <none>
Annotations:  <none>
Spec:
  PodSelector:     app=cart
  Allowing ingress traffic:
    To Port: 8080/TCP
    To Port Range: 9000-9010/TCP
    From:
      NamespaceSelector: team=shop
      PodSelector: app=front
    From:
      IPBlock:
        CIDR: 10.0.0.0/8
        Except: 10.1.0.0/16, 10.2.0.0/16
    ----------
    To Port: <any> (traffic allowed to all ports)
    From: <any> (traffic not restricted by source)
  Allowing egress traffic:
    <none> (Selected pods are isolated for egress connectivity)
  Policy Types: Ingress, Egress
""")

    assert policy.fields["metadata"]["creationTimestamp"] == "2025-03-03T09:15:02Z"
    assert policy.fields["spec"] == {
        "podSelector": {"matchLabels": {"app": "cart"}},
        "ingress": [
            {
                "ports": [
                    {"port": 8080, "protocol": "TCP"},
                    {"port": 9000, "endPort": 9010, "protocol": "TCP"},
                ],
                "from": [
                    {
                        "namespaceSelector": {"matchLabels": {"team": "shop"}},
                        "podSelector": {"matchLabels": {"app": "front"}},
                    },
                    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}},
                ],
            },
            {},
        ],
        "egress": [],
        "policyTypes": ["Ingress", "Egress"],
    }


def test_a_network_policy_for_all_pods_has_an_empty_selector():
    policy = only("""\
Name:         deny
Namespace:    orchard
Created on:   2025-03-03 09:15:02 +0100 CET
Labels:       <none>
Spec:
  PodSelector:     <none> (Allowing the specific traffic to all pods in this namespace)
  Not affecting ingress traffic
  Allowing egress traffic:
    <none> (Selected pods are isolated for egress connectivity)
  Policy Types: Egress
""")

    assert policy.fields["spec"] == {"podSelector": {}, "egress": [], "policyTypes": ["Egress"]}
