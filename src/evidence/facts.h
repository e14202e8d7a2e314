/*
 * facts.h - every fact that a probe can record, the section of its subject, and its shape. One
 * list: probes record by these names, rules ask for them, docs/guides/probes.md is made from it.
 */
#ifndef RDT_EVIDENCE_FACTS_H
#define RDT_EVIDENCE_FACTS_H

/* name, section of the subject, shape */
#define RDT_FACTS(X)                                                                               \
    X("pg.plaintext", "stores",                                                                    \
      "map database -> {verdict: accepted|refused|undecided, why}: a login without TLS was tried") \
    X("pg.settings", "stores",                                                                     \
      "{version: 150020, ssl: bool, min_protocol: tls1.2, password_encryption, ciphers}")          \
    X("pg.hba", "stores",                                                                          \
      "map database -> {plaintext: bool, stale: bool, line, rule}: whether a rule lets a remote "  \
      "login in clear through (line, rule: which); stale: the file is newer than what is loaded, " \
      "absent where that cannot be seen")                                                          \
    X("pg.sessions", "stores",                                                                     \
      "{total, plaintext, replication_plaintext, subscriptions: map link -> count, wal_receiver: " \
      "link|none, subscriptions_why, wal_receiver_why}: remote sessions now, and how this server " \
      "connects to those that it replicates from; link: an sslmode|unset|bound|gss|socket|"        \
      "unreadable; ..._why instead of what the auditor may not read")                              \
    X("pg.fields", "stores",                                                                       \
      "map schema.table.column -> {n, plain, handles, mixed, oldest, newest} of a sample: "        \
      "values, "                                                                                   \
      "those that are not encrypted as RF1, key handles, those of them with values of several "    \
      "epochs, epochs; or {why}: not looked at")                                                   \
    X("tls.versions", "flows", "map ssl3, tls1.0..tls1.3 -> accepted|refused|undecided")           \
    X("tls.cert", "flows",                                                                         \
      "{subject, issuer, not_before: days, not_after: days, lifetime: days, key, host: bool, "     \
      "chain: bool, all: bool, why}: all is false where an address was not seen")                  \
    X("http.redirect", "flows", "{closed: bool, status, location, https: bool}")                   \
    X("http.hsts", "flows",                                                                        \
      "{present: bool, max_age, subdomains: bool, preload: bool, why: what is odd about it}")      \
    X("host.swap", "services",                                                                     \
      "list of {path, kind: partition|file|zram|hibernation, size, encrypted: "                    \
      "yes|no|ram|unknown, why}")                                                                  \
    X("host.temp", "services", "map path -> {mount, fs, encrypted: yes|no|ram|unknown, why}")      \
    X("host.cores", "services",                                                                    \
      "{pattern, kind: none|file|pipe, storage, to_disk: bool, dir, encrypted: "                   \
      "none|yes|no|ram|unknown, why}")                                                             \
    X("key.exists", "keys",                                                                        \
      "{found: bool, id, state, suspended: bool, deletion: days, foreign: bool (it has the tags "  \
      "of another plan or environment)}: the key under the alias of its "                          \
      "name in the key service")                                                                   \
    X("key.rotated", "keys",                                                                       \
      "{last: days, every: days (0: by hand), next: days, version}: when its current version was " \
      "made")                                                                                      \
    X("key.custody", "keys",                                                                       \
      "{seal: development|passphrase|shamir|hsm}: the weakest way to the root above it")           \
    X("key.policy", "keys",                                                                        \
      "{administer, use, read, both: lists of principals}: who could do so by all policies "       \
      "together; both: administer and read")                                                       \
    X("seal.drill", "keys",                                                                        \
      "{recorded: bool, why, last: days, passed: bool, backup, tables, checks}: the newest "       \
      "restore "                                                                                   \
      "drill with a backup of this key; recorded is false, and why says so, where the record "     \
      "does "                                                                                      \
      "not count")                                                                                 \
    X("kms.site", "plan",                                                                          \
      "{development: bool, custody, quorum, approvers, waiting: days, clock_blocked: bool, "       \
      "clock_reason, keys, pending_deletion, principals, open_approvals, open_reviews}")           \
    X("host.disk", "stores", "{path, mount, fs, encrypted: yes|no|ram|unknown, why, layers: list}")

#endif
