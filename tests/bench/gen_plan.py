#!/usr/bin/env python3
"""gen_plan.py [--findings] SUBJECTS FOLDER - a made-up plan with exactly so many entries.

The plan is made of cells: one product team's services, data, keys, stores and flows, 22 entries, in the layout
that people write. Nearly all of it is healthy; every 40th cell has one defect, in turn from DEFECTS, so that a
judgement can be compared with what was built in. The same number gives the same bytes. Prints the expected
findings as JSON with --findings. A plan that would pass FILE_BYTES is split into plan/NNN.yaml and included."""
import json
import os
import sys

AT = "2026-11-24"           # the day on which all dates below are fresh
FILE_BYTES = 6 << 20        # the loader refuses files above 8 MiB
DEFECT_EVERY, FIRST_DEFECT = 40, 3

HEAD = """\
redoubt: 1
product: { id: big, name: Big, owner: security@big.example, tenancy: multi }
policy: { profile: template, add: [kind-floor] }
%sprocedures:
  key-generation: { doc: keygen.md, csprng: kms, logged_to: cloudtrail }
  cert-monitoring: { alerts: [30d, 14d, 7d], channel: pager }
ci: { check: encryption-plan }
"""

# Once per plan: what the cells inherit from.
SHARED = {
    "services": ["  browser: { zone: internet, external: true }\n"],
    "data": [],
    "keys": ["""\
  root-cmk:
    purpose: root of the field keys
    type: symmetric
    algorithm: aes-256
    custody: { provider: aws-kms, account: "111111111111", hardware: true, validation: fips140-3-l3 }
    access:
      principals: [role/field-crypto]
      break_glass: { approvers: 2, tested_every: 90d, tested: 2026-10-11 }
    rotation: { every: 90d, how: manual, procedure: rotate.md, tested: 2026-09-02, last: 2026-09-15 }
    retire: { wait: 30d, reencrypt: required, approval: senior-engineering }
""", """\
  mesh-ca:
    purpose: workload identities
    type: ca
    algorithm: ecdsa-p256
    custody: { provider: istio, account: prod-mesh, hardware: true, validation: fips140-3-l3 }
    access:
      principals: [service/istiod]
      break_glass: { approvers: 2, tested_every: 90d, tested: 2026-10-11 }
    rotation: { every: 90d, how: manual, procedure: rotate.md, tested: 2026-03-20, last: 2026-09-20 }
    retire: { wait: 30d, reencrypt: required, approval: senior-engineering }
""", """\
  edge-cert:
    purpose: public HTTPS
    type: certificate
    algorithm: ecdsa-p256
    custody: { provider: acm, account: "111111111111" }
    rotation: { every: 90d, how: auto, last: 2026-10-01 }
"""],
    "stores": [],
    "flows": [],
    "environments": ["  prod: { targets: prod.yaml }\n"],
}

# The second environment has keys of its own: a patch for each key that others are `like`.
STAGING = """\
  staging:
    patch:
      keys:
        root-cmk: { custody: { account: "333333333333" } }
        mesh-ca: { custody: { account: staging-mesh } }
        edge-cert: { custody: { account: "333333333333" } }
"""
STAGING_CELL = """\
        db-cmk-%d: { custody: { account: "333333333333" } }
        backup-cmk-%d: { custody: { account: "444444444444" } }
"""

# One team's entries. {i} is its number; the other words come from FLAVOURS and DEFECTS.
CELL = (
    ("services", """\
  api-{i}:
    zone: zone-{i}
    scratch: [{{ path: /tmp, kind: tmpfs }}, {{ path: swap, kind: none }}]
    memory_cache: none
"""), ("services", """\
  worker-{i}:
    zone: zone-{i}
    scratch: [{{ path: /tmp, kind: tmpfs }}, {{ path: swap, kind: none }}]
    memory_cache: none
"""),
    ("data", "  record-{i}: {{ level: {level}, kinds: [{kind}], owner: team-{i} }}\n"),
    ("data", "  document-{i}: {{ level: {level}, kinds: [{kind}], owner: team-{i} }}\n"),
    ("data", "  password-{i}: {{ level: critical, kinds: [credential], owner: team-{i}, form: {{ hashed: {hash} }} }}\n"),
    ("data", "  event-{i}: {{ level: medium, owner: team-{i} }}\n"),
    ("data", "  log-{i}: {{ level: high, kinds: [log], owner: team-{i} }}\n"),
    ("keys", """\
  db-cmk-{i}:
    purpose: volumes of team {i}'s database
    type: symmetric
    algorithm: aes-256
    custody: {{ provider: aws-kms, account: "111111111111", hardware: true, validation: fips140-3-l3 }}
    access:
      principals: [service/rds-{i}]
      break_glass: {{ approvers: {approvers}, tested_every: 90d, tested: 2026-10-11 }}
    rotation: {{ every: {rotation}, how: auto, last: 2026-09-20 }}
    retire: {{ wait: {wait}, reencrypt: required, approval: senior-engineering }}
"""),
    ("keys", """\
  kek-{i}:
    like: root-cmk
    purpose: one KEK per customer of team {i}
    per: tenant
    wrapped_by: root-cmk
    derive: hkdf-sha256
"""),
    ("keys", """\
  dek-{i}:
    purpose: one key per field of a record
    type: symmetric
    algorithm: aes-256-gcm
    per: record
    wrapped_by: kek-{i}
    custody: {{ provider: envelope }}
    rotation: {{ every: 90d, how: manual }}
"""),
    ("keys", """\
  files-cmk-{i}:
    like: db-cmk-{i}
    purpose: uploads of team {i}
    per: customer
    access: {{ principals: [role/api-{i}] }}
    rotation: {{ every: 90d }}
"""),
    ("keys", """\
  audit-cmk-{i}:
    like: files-cmk-{i}
    purpose: audit log of team {i}
    access: {{ principals: [role/audit-{i}] }}
"""),
    ("keys", """\
  backup-cmk-{i}:               # kept in the backup account
    like: files-cmk-{i}
    purpose: backups of team {i}
    custody: {{ account: "222222222222" }}
    access: {{ principals: [role/backup-{i}], break_glass: {{ approvers: 2 }} }}
"""),
    ("stores", """\
  db-{i}:
    kind: postgres
    host: aws-rds
    zone: zone-{i}
    holds: [record-{i}, password-{i}, event-{i}]
    retention: 2190d
    at_rest:
      volume: {{ algorithm: {volume}, key: db-cmk-{i} }}
      fields:
        - data: [record-{i}]
          algorithm: aes-256-gcm
          key: dek-{i}
          lookup: blind-index
          leakage: equal values can be recognised within one customer
"""),
    ("stores", """\
  files-{i}:
    kind: s3
    zone: zone-{i}
    holds: [document-{i}]
    retention: 2190d
    at_rest:
      volume: {{ algorithm: sse-kms, key: files-cmk-{i} }}
      fields: [{{ data: [document-{i}], algorithm: aes-256-gcm, key: dek-{i} }}]
      enforce: {{ deny_unencrypted_put: {deny}, deny_insecure_transport: true }}
"""),
    ("stores", """\
  audit-{i}:
    kind: s3
    zone: zone-{i}
    holds: [log-{i}]
    retention: 2190d
    at_rest:
      volume: {{ algorithm: sse-kms, key: audit-cmk-{i} }}
      enforce: {{ deny_unencrypted_put: true, deny_insecure_transport: true }}
"""),
    ("stores", """\
  backups-{i}:
    kind: s3
    zone: backup-account
    backup_of: [db-{i}, files-{i}, audit-{i}]
    retention: 90d
    at_rest:
      volume: {{ algorithm: sse-kms, key: backup-cmk-{i} }}
      enforce: {{ deny_unencrypted_put: true, deny_insecure_transport: true }}
"""),
    ("flows", """\
  web-{i}:
    from: browser
    to: api-{i}
    carries: [record-{i}, password-{i}]
    tls: {{ min: tls1.3, cert: edge-cert, groups: [x25519mlkem768, x25519] }}
    http: {{ redirect: true, hsts: {{ max_age: {hsts}, subdomains: true }} }}
"""),
    ("flows", """\
  api-db-{i}:
    from: api-{i}
    to: db-{i}
    carries: [record-{i}, password-{i}, event-{i}]
    tls: {{ min: {tls}, pin: rds-ca-rsa2048-g1, pin_next: rds-ca-ecc384-g1, groups: [x25519mlkem768, x25519] }}
"""),
    ("flows", """\
  api-files-{i}:
    from: api-{i}
    to: files-{i}
    carries: [document-{i}]
    tls: {{ min: tls1.3, groups: [x25519mlkem768, x25519] }}
"""),
    ("flows", """\
  mesh-{i}:
    from: api-{i}
    to: worker-{i}
    carries: [record-{i}]
    tls: {{ min: tls1.3, mutual: mesh-ca, groups: [x25519mlkem768, x25519] }}
"""),
    ("flows", """\
  ship-log-{i}:
    from: api-{i}
    to: audit-{i}
    carries: [log-{i}]
    tls: {{ min: tls1.2 }}
"""),
)

HEALTHY = {"hash": "argon2id", "approvers": "2", "rotation": "90d", "wait": "30d", "volume": "aes-256",
           "deny": "true", "hsts": "31536000", "tls": "tls1.3"}
# Teams differ in what they handle.
FLAVOURS = ({"level": "critical", "kind": "phi"}, {"level": "high", "kind": "pii"},
            {"level": "critical", "kind": "secret"}, {"level": "high", "kind": "pii"})
# One changed word each: word, value, rule and subject of the one finding that it makes.
DEFECTS = (
    ("tls", "tls1.1", "TRANSIT-TLS-FLOOR", "flows.api-db-%d"),
    ("rotation", "400d", "KEY-FLOOR-ROTATION", "keys.db-cmk-%d"),
    ("volume", "aes-128", "REST-ALG", "stores.db-%d"),
    ("hsts", "3600", "TRANSIT-2", "flows.web-%d"),
    ("deny", "false", "REST-4", "stores.files-%d"),
    ("hash", "sha-1", "HASH-PASSWORD", "data.password-%d"),
)


def cell_words(i):
    words = dict(HEALTHY, i=i, **FLAVOURS[i % len(FLAVOURS)])
    if i % DEFECT_EVERY == FIRST_DEFECT:
        word, value, rule, subject = DEFECTS[i // DEFECT_EVERY % len(DEFECTS)]
        words[word] = value
        return words, (rule, subject % i)
    return words, None


def generate(subjects):
    """({section: [entry, ...]}, [(rule, subject), ...])"""
    sections = {name: list(entries) for name, entries in SHARED.items()}
    left = subjects - sum(len(entries) for entries in sections.values()) - 3  # staging, two procedures
    cells = max(1, left // len(CELL))
    findings = []
    for i in range(1, cells + 1):
        words, finding = cell_words(i)
        for section, text in CELL:
            sections[section].append(text.format(**words))
        if finding:
            findings.append(finding)
    staging = STAGING + "".join(STAGING_CELL % (i, i) for i in range(1, cells + 1))
    sections["environments"].append(staging)
    # The rest: services that talk to nobody, so that the number is exact.
    for i in range(left - cells * len(CELL)):
        sections["services"].append("  idle-%d: { zone: idle-%d, external: true }\n" % (i + 1, i + 1))
    return sections, findings


def pieces(sections):
    """The sections as texts of at most FILE_BYTES."""
    text, size = [], 0
    for section, entries in sections.items():
        head = "\n%s:\n" % section
        text.append(head)
        for entry in entries:
            if size + len(entry) > FILE_BYTES:
                yield "".join(text)
                text, size = [head], 0
            text.append(entry)
            size += len(entry)
    yield "".join(text)


def write(subjects, folder):
    """Writes FOLDER/redoubt.yaml and what it includes; gives the expected findings and all bytes."""
    sections, findings = generate(subjects)
    texts = list(pieces(sections))
    os.makedirs(os.path.join(folder, "plan"), exist_ok=True)
    for name in ("keygen.md", "rotate.md"):
        with open(os.path.join(folder, name), "w", encoding="ascii") as out:
            out.write("How it is done.\n")
    if len(texts) == 1:
        files = {"redoubt.yaml": HEAD % "" + texts[0]}
    else:
        files = {"plan/%03d.yaml" % i: text for i, text in enumerate(texts)}
        files["redoubt.yaml"] = HEAD % "include: [plan/*.yaml]\n"
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="ascii") as out:
            out.write(text)
    return findings, [os.path.join(folder, name) for name in files]


def main():
    words = [word for word in sys.argv[1:] if word != "--findings"]
    if len(words) != 2 or not words[0].isdigit():
        sys.exit(__doc__.splitlines()[0])
    findings, _ = write(int(words[0]), words[1])
    if "--findings" in sys.argv:
        print(json.dumps(findings))


if __name__ == "__main__":
    main()
