"""Changes to MedTrack, one value at a time, and the one finding that each must make.

(what is done, {path: new value}, [(rule, subject)]). A path is dotted, list items by number from 0;
None deletes. Keys, flows and exceptions are in medtrack_changes_keys.py.
"""

CHANGES = [
    # ---------------------------------------------------------------- volumes
    ("database volume off", {"stores.db.at_rest.volume.algorithm": "none"}, [("REST-1", "stores.db")]),
    ("search volume off", {"stores.search.at_rest.volume.algorithm": "none"}, [("REST-1", "stores.search")]),
    ("audit bucket off", {"stores.audit.at_rest.volume.algorithm": "none"}, [("REST-1", "stores.audit")]),
    ("database volume AES-128", {"stores.db.at_rest.volume.algorithm": "aes-128"}, [("REST-ALG", "stores.db")]),
    ("database volume 3DES", {"stores.db.at_rest.volume.algorithm": "3des"}, [("REST-ALG", "stores.db")]),
    ("secrets volume RC4", {"stores.secrets.at_rest.volume.algorithm": "rc4"}, [("REST-ALG", "stores.secrets")]),
    ("search volume as the provider likes", {"stores.search.at_rest.volume.algorithm": "provider-default"},
     [("REST-ALG", "stores.search")]),
    ("volume key AES-128", {"keys.search-cmk.algorithm": "aes-128"}, [("REST-ALG", "keys.search-cmk")]),
    ("volume key 3DES", {"keys.audit-cmk.algorithm": "3des"}, [("REST-ALG", "keys.audit-cmk")]),
    ("database volume named AES-256-GCM", {"stores.db.at_rest.volume.algorithm": "aes-256-gcm"}, []),

    # ---------------------------------------------------------------- fields
    ("PHI without fields in the database", {"stores.db.at_rest.fields": None}, [("REST-2", "stores.db")]),
    ("names left out of fields", {"stores.db.at_rest.fields.0.data": ["phi-record"]}, [("REST-2", "stores.db")]),
    ("uploads under the bucket key only", {"stores.files.at_rest.fields": None}, [("REST-2", "stores.files")]),
    ("PHI without fields in the index", {"stores.search.at_rest.fields": None}, [("REST-2", "stores.search")]),
    ("secrets under the volume only", {"stores.secrets.at_rest.fields": None}, [("REST-2", "stores.secrets")]),
    ("personal data in the logs", {"data.audit-log.kinds": ["log", "pii"]}, [("REST-2", "stores.audit")]),
    ("uploads sealed by the client instead",
     {"stores.files.at_rest.fields": None, "data.upload.form": {"client_side": True}}, []),
    ("field algorithm AES-128", {"stores.db.at_rest.fields.0.algorithm": "aes-128-gcm"}, [("REST-ALG", "stores.db")]),
    ("field algorithm ECB", {"stores.files.at_rest.fields.0.algorithm": "aes-256-ecb"}, [("REST-ALG", "stores.files")]),
    ("field algorithm CBC", {"stores.search.at_rest.fields.0.algorithm": "aes-256-cbc"},
     [("REST-ALG", "stores.search")]),
    ("blind index without a word on leakage", {"stores.db.at_rest.fields.0.leakage": None},
     [("FIELD-LOOKUP", "stores.db")]),
    ("index tokens without a word on leakage", {"stores.search.at_rest.fields.0.leakage": None},
     [("FIELD-LOOKUP", "stores.search")]),
    ("field lookup off", {"stores.db.at_rest.fields.0.lookup": "none"}, []),

    # ---------------------------------------------------------------- backups
    ("backup under the production key", {"stores.backups.at_rest.volume.key": "db-volume-cmk"},
     [("REST-3", "stores.backups")]),
    ("backup under the key of uploads", {"stores.backups.at_rest.volume.key": "customer-files-cmk"},
     [("REST-3", "stores.backups")]),
    ("backup key in the production account", {"keys.backup-cmk.custody.account": "111111111111"},
     [("REST-3", "stores.backups")]),
    ("backup not encrypted", {"stores.backups.at_rest.volume.algorithm": "none"}, [("BACKUP-LEVEL", "stores.backups")]),
    ("backup as the provider likes", {"stores.backups.at_rest.volume.algorithm": "provider-default"},
     [("BACKUP-LEVEL", "stores.backups")]),
    ("copies of the log DES", {"stores.audit-copies.at_rest.volume.algorithm": "des"},
     [("BACKUP-LEVEL", "stores.audit-copies")]),
    ("restore drill too old", {"keys.backup-cmk.access.break_glass.tested": "2026-08-01"},
     [("BACKUP-RESTORE", "keys.backup-cmk")]),
    ("restore drill twice a year", {"keys.backup-cmk.access.break_glass.tested_every": "180d"},
     [("BACKUP-RESTORE", "keys.backup-cmk")]),
    ("search index not backed up", {"stores.backups.backup_of": ["db", "files"]}, [("GAP-BACKUP", "stores.search")]),
    ("nothing said about a backup of secrets", {"stores.secrets.backup": None}, [("GAP-BACKUP", "stores.secrets")]),
    ("secrets backed up like the rest", {"stores.secrets.backup": "backups"}, []),

    # ---------------------------------------------------------------- policy of buckets
    ("uploads under another key allowed", {"stores.files.at_rest.enforce.deny_unencrypted_put": False},
     [("REST-4", "stores.files")]),
    ("bucket without policy", {"stores.files.at_rest.enforce": None}, [("REST-4", "stores.files")]),
    ("backup bucket takes plain HTTP", {"stores.backups.at_rest.enforce.deny_insecure_transport": None},
     [("REST-4", "stores.backups")]),

    # ---------------------------------------------------------------- what spills to disk
    ("swap left open", {"services.worker.scratch.1.kind": "plain"}, [("REST-5-SWAP", "services.worker")]),
    ("temporary files on a plain disk", {"services.worker.scratch.0.kind": "plain"}, [("REST-5-TMP", "services.worker")]),
    ("decrypted values cached on disk", {"services.cache.memory_cache": "disk"}, [("REST-5-TMP", "services.cache")]),
    ("scratch not declared", {"services.worker.scratch": None}, [("GAP-SCRATCH", "services.worker")]),
    ("swap encrypted instead of off", {"services.worker.scratch.1.kind": "encrypted"}, []),

    # ---------------------------------------------------------------- environments, CI
    ("staging on a production key", {"environments.staging.patch.keys.mesh-ca": None},
     [("REST-6-SHARED", "environments.staging")]),
    ("staging in the production account", {"environments.staging.patch.keys.db-volume-cmk.custody.account": "111111111111"},
     [("REST-6-SHARED", "environments.staging")]),
    ("dev is production", {"environments.dev.patch": None}, [("REST-6-SHARED", "environments.dev")]),
    ("no job in CI", {"ci": None}, [("REST-7-STALE", "plan")]),

    # ---------------------------------------------------------------- what the data is
    ("passwords under SHA-256", {"data.password.form.hashed": "sha-256"}, [("HASH-PASSWORD", "data.password")]),
    ("passwords under MD5", {"data.password.form.hashed": "md5"}, [("HASH-PASSWORD", "data.password")]),
    ("passwords in clear", {"data.password.form": None}, [("HASH-PASSWORD", "data.password")]),
    ("passwords under bcrypt", {"data.password.form.hashed": "bcrypt"}, []),
    ("short tokens hashed", {"data.session.form": {"hashed": "sha-256", "entropy_bits": 64}},
     [("HASH-TOKEN", "data.session")]),
    ("tokens under SHA-1", {"data.session.form": {"hashed": "sha-1", "entropy_bits": 256}},
     [("HASH-TOKEN", "data.session")]),
    ("card numbers in uploads", {"data.upload.kinds": ["pan"]}, [("PAN-STORED", "stores.files")]),
    ("card numbers in the logs", {"data.audit-log.kinds": ["log", "pan"]}, [("PAN-DISK-ONLY", "stores.audit")]),
    ("card numbers on laptops", {"data.usage-event.kinds": ["pan"]}, [("PAN-DISK-ONLY", "stores.laptops")]),
    ("card codes in uploads", {"data.upload.kinds": ["sad"]}, [("SAD-STORED", "stores.files")]),
    ("hospitals share a key", {"keys.tenant-kek.per": None}, [("TENANT-SHARED-KEY", "keys.record-dek")]),
    ("customers share a bucket key", {"keys.customer-files-cmk.per": None},
     [("TENANT-SHARED-KEY", "keys.customer-files-cmk")]),

    # ---------------------------------------------------------------- what the plan forgets
    ("logs are not called logs", {"data.audit-log.kinds": None}, [("GAP-LOG", "plan")]),
    ("logs without an end", {"stores.audit.retention": None}, [("GAP-LOG", "stores.audit")]),
    ("service on no path", {"flows.api-cache.to": "worker"}, [("GAP-FLOW", "services.cache")]),
    ("key that nobody uses", {"keys.spare": {"like": "audit-cmk", "purpose": "none yet"}},
     [("PLAN-UNUSED-KEY", "keys.spare")]),
    ("data that is nowhere", {"data.survey": {"level": "low"}}, [("PLAN-ORPHAN-DATA", "data.survey")]),
    ("processor without papers", {"stores.mailer": {"kind": "external", "holds": ["usage-event"]}},
     [("THIRD-PARTY-EVIDENCE", "stores.mailer")]),
    ("processor with old papers",
     {"stores.mailer": {"kind": "external", "holds": ["usage-event"],
                        "processor": {"name": "Mailer", "report": "docs/soc2.pdf", "expires": "2026-11-23"}}},
     [("THIRD-PARTY-EVIDENCE", "stores.mailer")]),
    ("laptops as they come", {"stores.laptops.at_rest.volume.algorithm": "aes-128"}, [("ENDPOINT-FDE", "stores.laptops")]),
    ("laptops not verified", {"stores.laptops.verify": None}, [("ENDPOINT-FDE", "stores.laptops")]),
]
