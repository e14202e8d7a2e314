"""Changes to MedTrack, as real teams get things wrong: mostly more than one value, because a mistake is
a thing that somebody adds and not a word that he changes.

Same form as medtrack_changes.py: (what is done, {path: new value}, [(rule, subject)]). A path is
dotted, list items by number from 0; None deletes.
"""

HYBRID = ["x25519mlkem768"]
TLS12 = {"min": "tls1.2"}
TLS13 = {"min": "tls1.3", "groups": HYBRID}
MUTUAL = {"min": "tls1.3", "mutual": "mesh-ca", "groups": HYBRID}
FLEET = {"kind": "endpoints", "at_rest": {"volume": {"algorithm": "aes-256-xts", "key": "os-managed"}},
         "verify": {"import": "mdm/jamf.json"}}
POLICY = {"deny_unencrypted_put": True, "deny_insecure_transport": True}
PAPERS = {"name": "Mailer", "report": "SOC 2 type II of 2026, in the vendor folder", "expires": "2027-06-30"}
LOGS = {"keys.log-cmk": {"like": "audit-cmk", "purpose": "application logs"}}


def with_(*parts):
    out = {}
    for part in parts:
        out.update(part)
    return out


def log_store(kind, holds):
    return {"kind": kind, "zone": "prod-vpc", "holds": holds, "backup": "none", "retention": "30d",
            "at_rest": {"volume": {"algorithm": "aes-256", "key": "log-cmk"}}}


CHANGES = [
    # ---------------------------------------------------------------- data that is more than it is called
    ("a password of its own kind, called high",
     {"data.patient-passcode": {"level": "high", "kinds": ["credential"]},
      "stores.db.holds": ["phi-record", "patient-name", "password", "patient-passcode"]},
     [("HASH-PASSWORD", "data.patient-passcode")]),
    ("a badge that is a credential and a health record",
     {"data.wristband": {"level": "high", "kinds": ["credential", "phi"]},
      "stores.db.holds": ["phi-record", "patient-name", "password", "wristband"]}, [("REST-2", "stores.db")]),
    ("names hashed fast and called tokens", {"data.patient-name.form": {"hashed": "sha-256", "entropy_bits": 256}},
     [("HASH-TOKEN", "data.patient-name")]),
    ("card numbers hashed with SHA-256",
     {"data.card": {"level": "critical", "kinds": ["pan"], "form": {"hashed": "sha-256", "entropy_bits": 160}},
      "stores.db.holds": ["phi-record", "patient-name", "password", "card"]}, [("HASH-TOKEN", "data.card")]),
    ("tokens under MD5", {"data.session.form": {"hashed": "md5", "entropy_bits": 256}}, [("HASH-TOKEN", "data.session")]),
    ("health data lowered by raise_to", {"data.phi-record.raise_to": "low", "stores.search.at_rest.fields": None},
     [("REST-2", "stores.search")]),

    # ---------------------------------------------------------------- copies that nobody thinks of
    ("application logs with personal data",
     with_(LOGS, {"data.app-log": {"level": "medium", "kinds": ["log", "pii"]},
                  "stores.app-logs": log_store("cloudwatch", ["app-log"]),
                  "flows.app-logs": {"from": "api", "to": "app-logs", "carries": ["app-log"], "tls": TLS12}}),
     [("REST-2", "stores.app-logs")]),
    ("application logs kept for ever",
     with_(LOGS, {"data.app-log": {"level": "medium", "kinds": ["log"]},
                  "stores.app-logs": dict(log_store("cloudwatch", ["app-log"]), retention="30d"),
                  "stores.app-logs.retention": None,
                  "flows.app-logs": {"from": "api", "to": "app-logs", "carries": ["app-log"], "tls": TLS12}}),
     [("GAP-LOG", "stores.app-logs")]),
    ("health records on laptops", {"stores.laptops.holds": ["usage-event", "phi-record"]}, [("REST-2", "stores.laptops")]),
    ("a dump of production on laptops", {"stores.dumps": dict(FLEET, backup_of=["db"])}, [("KEYSTORE-2", "stores.dumps")]),
    ("a backup of the backups under their key",
     {"stores.copies": {"kind": "s3-glacier", "zone": "backup-account", "backup_of": ["backups"],
                        "at_rest": {"volume": {"algorithm": "sse-kms", "key": "backup-cmk"}, "enforce": POLICY}}},
     [("REST-3", "stores.copies")]),
    ("backups under the root of the fields", {"stores.backups.at_rest.volume.key": "root-cmk"},
     [("REST-3", "stores.backups")]),
    ("a backup key that the root of the fields wraps", {"keys.backup-cmk.wrapped_by": "root-cmk"},
     [("REST-3", "stores.backups")]),
    ("an index of health data without fields", {"stores.search.at_rest.fields": None}, [("REST-2", "stores.search")]),
    ("a warehouse that takes what it is given",
     {"stores.warehouse": {"kind": "snowflake", "holds": ["phi-record"], "backup": "none",
                           "at_rest": {"volume": {"algorithm": "provider-default"}}},
      "flows.load": {"from": "api", "to": "warehouse", "carries": ["phi-record"], "tls": TLS13}},
     [("REST-2", "stores.warehouse"), ("REST-ALG", "stores.warehouse")]),
    ("a column that arrives and is written down nowhere",
     {"data.ssn": {"level": "critical", "kinds": ["pii"]},
      "flows.api-db.carries": ["phi-record", "patient-name", "password", "ssn"]}, [("PLAN-ORPHAN-DATA", "data.ssn")]),
    ("health records in the audit log", {"flows.ship-log.carries": ["audit-log", "phi-record"],
                                         "flows.ship-log.tls": TLS13}, [("PLAN-ORPHAN-DATA", "data.phi-record")]),
    ("a store that no flow reaches", {"flows.api-secrets": None}, [("GAP-FLOW", "stores.secrets")]),
    ("a file of SQLite needs no flow",
     with_(LOGS, {"stores.queue": dict(log_store("sqlite", ["usage-event"]))}), []),

    # ---------------------------------------------------------------- services
    ("a function in the cloud without a word on /tmp",
     {"services.resize": {"zone": "prod-vpc"},
      "flows.resize": {"from": "api", "to": "resize", "carries": ["upload"], "tls": MUTUAL}},
     [("GAP-SCRATCH", "services.resize")]),
    ("swap that is said to be in memory", {"services.worker.scratch.1.kind": "tmpfs"},
     [("REST-5-SWAP", "services.worker")]),

    # ---------------------------------------------------------------- paths
    ("a stream in plaintext",
     with_(LOGS, {"stores.bus": log_store("kafka", ["usage-event"]),
                  "flows.publish": {"from": "api", "to": "bus", "carries": ["usage-event"]},
                  "flows.bus-nodes": {"from": "bus", "to": "bus", "carries": ["usage-event"],
                                      "tls": {"min": "tls1.2", "node_to_node": True}}}),
     [("TRANSIT-PLAINTEXT", "flows.publish")]),
    ("a stream whose brokers talk plaintext",
     with_(LOGS, {"stores.bus": log_store("kafka", ["usage-event"]),
                  "flows.publish": {"from": "api", "to": "bus", "carries": ["usage-event"], "tls": TLS12}}),
     [("TRANSIT-NODE", "stores.bus")]),
    ("webhooks to whatever address is given",
     {"services.subscriber": {"zone": "internet", "external": True},
      "flows.hook": {"from": "api", "to": "subscriber", "carries": ["usage-event"]}},
     [("TRANSIT-PLAINTEXT", "flows.hook")]),
    ("names of patients by mail",
     {"services.mail": {"zone": "internet", "external": True},
      "flows.mail": {"from": "api", "to": "mail", "carries": ["patient-name"],
                     "tls": dict(TLS13, opportunistic=True)}}, [("TRANSIT-OPPORTUNISTIC", "flows.mail")]),
    ("a mail policy in testing",
     {"services.mail": {"zone": "internet", "external": True},
      "flows.mail": {"from": "api", "to": "mail", "carries": ["audit-log"], "mta_sts": "testing",
                     "tls": {"min": "tls1.2", "opportunistic": True}}}, [("TRANSIT-OPPORTUNISTIC", "flows.mail")]),
    ("sslmode prefer, and a policy for mail", {"flows.api-db.tls.opportunistic": True, "flows.api-db.mta_sts": "enforce"},
     [("TRANSIT-OPPORTUNISTIC", "flows.api-db")]),
    ("uploads straight into the bucket, in plaintext",
     {"flows.direct": {"from": "browser", "to": "files", "carries": ["upload"]}},
     [("TRANSIT-PLAINTEXT", "flows.direct")]),
    ("deployment by neither SSH nor TLS", {"flows.deploy.ssh": None}, [("TRANSIT-PLAINTEXT", "flows.deploy")]),
    ("health checks in plaintext", {"flows.health": {"from": "api", "to": "worker", "carries": []}},
     [("TRANSIT-PLAINTEXT", "flows.health")]),
    ("an SSH block hides old TLS", {"flows.mesh.ssh": {"host_key": "ed25519"}, "flows.mesh.tls.min": "tls1.0"},
     [("TRANSIT-TLS-FLOOR", "flows.mesh")]),
    ("a host key of RSA, as the machine came", {"flows.deploy.ssh.host_key": "rsa-3072"}, [("PATH-SSH", "flows.deploy")]),
    ("a policy that allows TLS 1.0", {"policy.levels": {"high": {"tls": "tls1.0"}}, "flows.ship-log.tls.min": "tls1.0"},
     [("TRANSIT-TLS-FLOOR", "flows.ship-log")]),
    ("an administrator's laptop at TLS 1.2",
     {"services.admin": {"zone": "office", "external": True},
      "flows.admin": {"from": "admin", "to": "db", "carries": ["phi-record"], "tls": dict(TLS13, min="tls1.2")}},
     [("TRANSIT-TLS-FLOOR", "flows.admin")]),

    # ---------------------------------------------------------------- keys
    ("the whole account may use a key", {"keys.audit-cmk.access.principals": ["arn:aws:iam::111111111111:root"]},
     [("KEY-PRINCIPALS", "keys.audit-cmk")]),
    ("everybody may use a key", {"keys.search-cmk.access.principals": ["allAuthenticatedUsers"]},
     [("KEY-PRINCIPALS", "keys.search-cmk")]),
    ("S3's own key where the plan names another", {"stores.files.at_rest.volume.algorithm": "sse-s3"},
     [("KEYSTORE-2", "stores.files")]),
    ("a rotation of no days", {"keys.audit-cmk.rotation.every": "0d", "keys.audit-cmk.rotation.how": "manual",
                               "keys.audit-cmk.rotation.procedure": "docs/rotate-root.md",
                               "keys.audit-cmk.rotation.tested": "2026-09-02", "keys.audit-cmk.rotation.last": "2026-11-24"},
     [("KEY-FLOOR-ROTATION", "keys.audit-cmk")]),
    ("a symmetric key of ed25519", {"keys.audit-cmk.algorithm": "ed25519"}, [("REST-ALG", "keys.audit-cmk")]),
    ("`like` and a custody of its own, in a file", {"keys.secrets-cmk.custody": {"provider": "file"}},
     [("KEYSTORE-1", "keys.secrets-cmk")]),
    ("the key of tenants in an environment variable", {"keys.tenant-kek.custody": {"provider": "env"}},
     [("KEYSTORE-1", "keys.tenant-kek")]),
    ("webhooks signed with HMAC-SHA-1",
     {"keys.hook": {"like": "audit-cmk", "purpose": "webhooks", "type": "hmac", "algorithm": "hmac-sha-1",
                    "custody": {"provider": "secrets-manager"}}}, [("REST-ALG", "keys.hook")]),

    # ---------------------------------------------------------------- environments
    ("production with a patch of its own is no copy of production", {"environments.prod.patch": {"ci": {"check": "other"}}}, []),
    ("a second region of production", {"environments.prod-eu": {"targets": "targets/prod.yaml"}}, []),
    ("a demo with the keys of production", {"environments.demo": {"targets": "targets/dev.yaml"}},
     [("REST-6-SHARED", "environments.demo")]),

    # ---------------------------------------------------------------- papers
    ("a processor whose report is a missing file",
     {"stores.mailer": {"kind": "external", "holds": ["usage-event"],
                        "processor": dict(PAPERS, report="docs/soc2.pdf")}}, [("THIRD-PARTY-EVIDENCE", "stores.mailer")]),
    ("a processor whose report is kept elsewhere",
     {"stores.mailer": {"kind": "external", "holds": ["usage-event"], "processor": PAPERS}}, []),
    ("an exception for ten years", {"exceptions.EX-7.expires": "2036-10-01"}, [("EX-EXPIRING", "exceptions.EX-7")]),
    ("the owner approves under another spelling",
     {"exceptions.EX-7.approved_by": ["ciso@medtrack.example", "cto@medtrack.example", "Dana <DANA@medtrack.example>"]},
     [("EX-SELF-APPROVED", "exceptions.EX-7")]),
]

# What an environment's patch takes away: (what is done, environment, {path in the patch: value}, wanted there).
# None is a null of the patch: it takes the value away.
PATCHES = [
    ("staging drops field encryption", "staging", {"stores": {"db": {"at_rest": {"fields": None}}}},
     [("REST-2", "stores.db")]),
    ("staging drops the encryption of a volume", "staging", {"stores": {"search": {"at_rest": {"volume": None}}}},
     [("PLAN-UNUSED-KEY", "keys.search-cmk"), ("REST-1", "stores.search")]),
    ("staging talks plaintext", "staging", {"flows": {"mesh": {"tls": None}}}, [("TRANSIT-PLAINTEXT", "flows.mesh")]),
    ("staging keeps its keys in files", "staging", {"keys.mesh-ca": {"custody": {"provider": "file", "account": "x"}}},
     [("KEYSTORE-1", "keys.mesh-ca")]),
    ("staging without the flow that is excepted", "staging", {"flows": {"api-search": None}}, []),
]
