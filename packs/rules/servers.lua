-- What servers refuse, how they are graded, and how deployments reach them.

-- Kinds with a protocol of their own, whose servers can be asked for a plaintext login.
local ASKABLE = {
  postgres = "pg.plaintext", mysql = "mysql.plaintext", mariadb = "mysql.plaintext",
  sqlserver = "sqlserver.plaintext", oracle = "oracle.plaintext", mongodb = "mongodb.plaintext",
  redis = "redis.plaintext", valkey = "redis.plaintext", memcached = "memcached.plaintext",
  cassandra = "cassandra.plaintext", opensearch = "opensearch.plaintext",
  elasticsearch = "opensearch.plaintext", clickhouse = "clickhouse.plaintext",
  kafka = "kafka.plaintext", rabbitmq = "rabbitmq.plaintext",
}

rule {
  id = "TRANSIT-4",
  title = "Endpoint offers a weak cipher suite",
  severity = "high",
  source = { "TRANSIT-4" },
  subjects = { "flows" },
  decided = { "live" },
  why = "RC4, 3DES and export suites are broken, and a server that offers them can be talked into them.",
  fix = "Allow AEAD suites with forward secrecy only.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    return pass()
  end,
  -- The raw hello engine will list suites; OpenSSL cannot even offer the broken ones.
  live = function(f)
    seen(f, "tls.ciphers")
    return unknown("this version cannot judge a list of cipher suites")
  end,
  tests = {
    { on = "flows.web", expect = "unobserved" },
    { on = "flows.deploy", expect = "n/a" },
    { on = "flows.web", set = { ["flows.web.tls"] = "<absent>" }, expect = "n/a" },
  },
}

local function takes_plaintext(s, observed, message)
  return fail { observed = observed, expected = "refused", severity = by_level("critical", s.effective),
                message = message }
end

-- What an auditor's login shows of PostgreSQL beside the attempt itself: an attempt from one
-- address says nothing about a rule for another. Any of the three is enough to fail.
local function open_by_rules(s)
  local now = also_seen(s, "pg.sessions")
  local n = now and math.max(now.plaintext or 0, now.replication_plaintext or 0) or 0
  if n > 0 then
    return takes_plaintext(s, tostring(n) .. " sessions in plaintext", tostring(n)
                             .. " remote sessions of " .. s.name .. " are in plaintext now")
  end
  local open, rules = {}, also_seen(s, "pg.hba") or {}
  for name, first in pairs(rules) do
    -- A file newer than what the server has loaded says nothing about the server.
    if first.plaintext and not first.stale then table.insert(open, name) end
  end
  if #open == 0 then return nil end
  table.sort(open)
  local line = rules[open[1]].line
  return takes_plaintext(s, "pg_hba.conf" .. (line and " line " .. tostring(line) or "") .. " lets it in",
                         "pg_hba.conf lets remote logins to " .. and_list(open) .. " of " .. s.name
                           .. " in without TLS")
end

-- How a server that replicates from another one connects to it, the worst first. As a client it is
-- the only one who can insist on TLS, and on the right server at its other end.
local LINKS = {
  { severity = "critical", modes = { "disable", "allow" }, words = "in clear" },
  { severity = "high", modes = { "prefer", "unset" }, words = "with TLS that anybody in between can take away" },
  { severity = "medium", modes = { "require" }, words = "without a check of its certificate" },
}

local function links_of(now, modes)
  local found, subscriptions = {}, now.subscriptions or {}
  for _, mode in ipairs(modes) do
    local by = mode == "unset" and " without sslmode" or " with sslmode " .. mode
    local n = subscriptions[mode] or 0
    if n > 0 then table.insert(found, tostring(n) .. (n == 1 and " subscription" or " subscriptions") .. by) end
    if now.wal_receiver == mode then table.insert(found, "the WAL receiver" .. by) end
  end
  return found
end

local function weak_links(s)
  local now = also_seen(s, "pg.sessions")
  for _, step in ipairs(now and LINKS or {}) do
    local found = links_of(now, step.modes)
    if #found > 0 then
      return fail { observed = and_list(found), expected = "sslmode verify-full",
                    severity = by_level(step.severity, s.effective),
                    message = s.name .. " replicates from another server " .. step.words .. ": " .. and_list(found) }
    end
  end
end

-- The plaintext logins that a server took, whatever else is known of it.
local function taken(s)
  local open = {}
  for name, answer in pairs(also_seen(s, ASKABLE[s.kind]) or {}) do
    if answer.verdict == "accepted" then table.insert(open, name) end
  end
  if #open == 0 then return nil end
  table.sort(open)
  return takes_plaintext(s, "plaintext login accepted: " .. and_list(open),
                         s.name .. " starts a login without TLS for " .. and_list(open))
end

rule {
  id = "TRANSIT-5",
  title = "Data store accepts a plaintext connection",
  severity = "critical",
  source = { "TRANSIT-5", "PATH-2" },
  subjects = { "stores" },
  decided = { "live" },
  why = "A setting that says TLS is on does not mean that plaintext is refused; only trying shows it.",
  fix = "Refuse plaintext at the server: hostssl lines only in pg_hba.conf, rds.force_ssl, tls-port without port. "
    .. "Where it replicates from another one: sslmode=verify-full in the subscription or in primary_conninfo.",
  check = function(s)
    if not ASKABLE[s.kind] then return na("a " .. s.kind .. " store has no login of its own") end
    return pass() -- with a declared flow or without: what listens can be asked
  end,
  live = function(s)
    local is_pg = s.kind == "postgres"
    local found = is_pg and open_by_rules(s) or taken(s) or is_pg and weak_links(s)
    if found then return found end
    local answers, undecided = seen(s, ASKABLE[s.kind]), {}
    if next(answers) == nil then return unknown("no database was tried") end
    for name, answer in pairs(answers) do
      if answer.verdict ~= "refused" then table.insert(undecided, name) end
    end
    table.sort(undecided)
    if #undecided > 0 then
      return unknown(and_list(undecided) .. ": " .. (answers[undecided[1]].why or "not decided"))
    end
    local now = is_pg and also_seen(s, "pg.sessions") or {}
    if #links_of(now, { "unreadable" }) > 0 then
      return unknown("how " .. s.name .. " connects to the server that it replicates from cannot be read")
    end
    return pass(4)
  end,
  tests = {
    { on = "stores.db", expect = "unobserved" },
    { on = "stores.search", expect = "unobserved" },
    { on = "stores.files", expect = "n/a" },
    { on = "stores.db", set = { ["flows.api-db"] = "<absent>" }, expect = "unobserved" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] =
      { app = { verdict = "refused" }, reporting = { verdict = "refused" } } } }, expect = "pass" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] =
      { app = { verdict = "refused" }, reporting = { verdict = "accepted" } } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] =
      { app = { verdict = "refused" }, reporting = { verdict = "undecided", why = "timed out" } } } },
      expect = "unknown" },
    -- What the rules and sessions say counts even where the attempt was refused or never made.
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.hba"] = { app = { plaintext = true, line = 97 } } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.hba"] = { app = { plaintext = true, stale = true } } } }, expect = "pass" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.hba"] = { app = { plaintext = false } }, ["pg.sessions"] = { total = 3, plaintext = 0 } } },
      expect = "pass" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, replication_plaintext = 1 } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.sessions"] = { total = 3, plaintext = 2 } } },
      expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.sessions"] = { total = 3, plaintext = 0 } } },
      expect = "unobserved" },
    -- So does what it does as a client of another server, and not what it could not be asked for.
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, subscriptions = { ["verify-full"] = 2, bound = 1, gss = 1 }, wal_receiver = "verify-ca" } } }, expect = "pass" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, subscriptions = { socket = 1 }, wal_receiver = "none" } } }, expect = "pass" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, subscriptions_why = "denied", wal_receiver_why = "denied" } } }, expect = "pass" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, subscriptions = { ["verify-full"] = 2, disable = 1 }, wal_receiver = "none" } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, subscriptions = { allow = 1 } } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, subscriptions = { prefer = 1 } } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, subscriptions = { unset = 1 } } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, subscriptions = { require = 1 } } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, wal_receiver = "prefer" } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, wal_receiver = "require" } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, subscriptions = { unreadable = 1 } } } }, expect = "unknown" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] = { app = { verdict = "refused" } },
      ["pg.sessions"] = { total = 3, plaintext = 0, wal_receiver = "unreadable" } } }, expect = "unknown" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.plaintext"] =
      { app = { verdict = "undecided", why = "timed out" } }, ["pg.sessions"] = { subscriptions = { require = 1 } } } },
      expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.sessions"] = { subscriptions = { disable = 1 } } } },
      expect = "drift" },
  },
}

rule {
  id = "TRANSIT-8",
  title = "Public endpoint is below grade A",
  severity = "medium",
  source = { "TRANSIT-8" },
  subjects = { "flows" },
  decided = { "live" },
  why = "The grade sums up protocol, suites, key exchange and certificate as a stranger sees them.",
  fix = "Look at the caps that the grade names, worst first.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    if not is_public(f) then return na("not a public endpoint of ours") end
    return pass()
  end,
  -- The grade is made from the raw hello engine's facts, which are still to come.
  live = function(f)
    seen(f, "tls.grade")
    return unknown("this version cannot judge a grade")
  end,
  tests = {
    { on = "flows.web", expect = "unobserved" },
    { on = "flows.mesh", expect = "n/a" },
    { on = "flows.deploy", expect = "n/a" },
  },
}

rule {
  id = "PATH-SSH",
  title = "Deployment uses a weak host key or a stored credential",
  severity = "medium",
  source = { "PATH-8" },
  subjects = { "flows" },
  decided = { "plan" },
  why = "A stored deployment credential opens production to whoever reads the pipeline's secrets.",
  fix = "Set ssh.host_key: ed25519 and let the pipeline sign in by OIDC (identity: oidc).",
  check = function(f)
    if not f.ssh and not f.identity then return na("neither ssh nor a pipeline's identity") end
    if f.ssh and f.ssh.host_key ~= "ed25519" then
      return fail { field = "ssh.host_key", observed = f.ssh.host_key, expected = "ed25519",
                    message = f.name .. " trusts a host key of type " .. tostring(f.ssh.host_key) }
    end
    local from = end_of(f.from)
    -- Between our own machines ssh needs no pipeline identity; from outside it does.
    if f.identity == "oidc" or (not f.identity and from and not from.external) then return pass() end
    return fail { field = "identity", observed = f.identity or "none", expected = "oidc",
                  message = f.name .. " signs in with a stored credential" }
  end,
  tests = {
    { on = "flows.deploy", expect = "pass" },
    { on = "flows.web", expect = "n/a" },
    { on = "flows.deploy", set = { ["flows.deploy.ssh.host_key"] = "rsa-4096" }, expect = "fail" },
    { on = "flows.deploy", set = { ["flows.deploy.identity"] = "static" }, expect = "fail" },
    { on = "flows.deploy", set = { ["flows.deploy.identity"] = "<absent>" }, expect = "fail" },
    { on = "flows.deploy", set = { ["flows.deploy.identity"] = "<absent>", ["flows.deploy.from"] = "worker" },
      expect = "pass" },
  },
}
