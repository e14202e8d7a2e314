-- Data in transit: what each flow must speak, and what servers must refuse.
--
-- Who owns what, so that one defect makes one finding:
--   no tls at all                      TRANSIT-PLAINTEXT; every other rule here is n/a then
--   tls that a peer may skip           TRANSIT-OPPORTUNISTIC; the floor is n/a then
--   an old version                     TRANSIT-TLS-FLOOR
--   no peer identity, no cluster TLS   TRANSIT-MTLS, TRANSIT-NODE
--   no http block on a public edge     TRANSIT-1; TRANSIT-2 judges hsts once the block is there
-- Certificates, pins and key exchange are in tls.lua.

local HSTS_LEAST = 31536000 -- seconds: one year
local VERSIONS = { "ssl2", "ssl3", "tls1.0", "tls1.1", "tls1.2", "tls1.3" }

-- A flow that carries nothing yet still has to meet what everything has to meet.
local function level_of(f)
  return f.effective or "low"
end

local function carried(f)
  if not f.effective then return "any data" end
  return f.effective .. " data (" .. tostring(f.effective_from) .. ")"
end

-- X7: an attacker on the path strips STARTTLS; a policy that the sender enforces stops that. Such
-- policies are about mail: no client of a database asks for one.
local function can_be_stripped(f)
  if f.tls.opportunistic ~= true or level_rank(level_of(f)) < level_rank("high") then return false end
  local to = end_of(f.to)
  if to and to.section == "stores" and not is_object_store(to) and not is_external_store(to) then return true end
  return f.mta_sts ~= "enforce" and f.dane ~= true
end

-- What policy.levels says never goes below this: older versions are broken for all data.
local OLDEST = "tls1.2"

local function floor_tls(f)
  local want = floor(level_of(f)).tls
  return tls_rank(want) < tls_rank(OLDEST) and OLDEST or want
end

local function below(f, version, how)
  local want = floor_tls(f)
  return fail {
    field = "tls.min", observed = version, expected = want .. " or newer",
    severity = by_level("high", f.effective),
    message = f.name .. " " .. how .. " " .. version .. "; " .. carried(f) .. " needs " .. want,
  }
end

rule {
  id = "TRANSIT-TLS-FLOOR",
  title = "Flow is below the TLS floor of the data it carries",
  severity = "high",
  source = { "CLASS-1", "CLASS-2", "CLASS-3", "CLASS-4", "TRANSIT-3" },
  subjects = { "flows" },
  decided = { "plan", "live" },
  why = "An old protocol version can be broken on the wire, and a peer in the middle picks the oldest one that is offered.",
  fix = "Raise tls.min, drop the data type from the flow, or record an exception.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    if can_be_stripped(f) then return na("opportunistic: see TRANSIT-OPPORTUNISTIC") end
    local level = level_of(f)
    if tls_rank(f.tls.min) < tls_rank(floor_tls(f)) then return below(f, f.tls.min, "allows") end
    -- X1: the lenient profile keeps the template's TLS 1.2 for critical data, with a warning.
    if plan.policy and plan.policy.profile == "template-lenient" and level == "critical"
      and tls_rank(f.tls.min) < tls_rank("tls1.3") then
      return fail { field = "tls.min", observed = f.tls.min, expected = "tls1.3", severity = "info",
                    message = f.name .. " allows " .. f.tls.min .. " for " .. carried(f)
                      .. "; only the lenient profile accepts that" }
    end
    return pass()
  end,
  live = function(f)
    local want = tls_rank(floor_tls(f))
    local to = end_of(f.to)
    if to and to.section == "stores" and to.kind == "postgres" then
      local settings = seen(to, "pg.settings")
      -- What answered in TLS was then something in front of it, and the settings are not that one's.
      if settings.ssl == false then return unknown("the server says that its TLS is off") end
      local oldest = settings.min_protocol
      if not oldest or oldest == "" then return unknown("the server does not say its oldest version") end
      if (tls_rank(oldest) or 0) < want then return below(f, oldest, "ends at a server that allows") end
      return pass(3)
    end
    local versions, modern, undecided = seen(f, "tls.versions"), false, nil
    for _, version in ipairs(VERSIONS) do
      local answer = versions[version]
      if tls_rank(version) >= want then
        modern = modern or answer == "accepted"
      elseif answer == "accepted" then
        return below(f, version, "really accepts")
      elseif answer ~= "refused" and version ~= "ssl2" then
        -- Tried and undecided, or not tried; no probe asks for SSL 2 yet.
        undecided = undecided or version
      end
    end
    if undecided then return unknown("the attempt with " .. undecided .. " was not decided") end
    if not modern then return unknown("no version was accepted, so refusals prove nothing") end
    return pass(4)
  end,
  tests = {
    { on = "flows.web", expect = "unobserved" },
    { on = "flows.ship-log", expect = "unobserved" },
    { on = "flows.web", set = { ["flows.web.tls.min"] = "tls1.2" }, expect = "fail" },
    { on = "flows.ship-log", set = { ["flows.ship-log.tls.min"] = "tls1.1" }, expect = "fail" },
    { on = "flows.web", set = { ["flows.web.tls"] = "<absent>" }, expect = "n/a" },
    { on = "flows.ship-log", set = { ["flows.ship-log.tls.opportunistic"] = true }, expect = "n/a" },
    { on = "flows.deploy", expect = "n/a" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.versions"] =
      { ssl3 = "refused", ["tls1.0"] = "refused", ["tls1.1"] = "refused", ["tls1.2"] = "refused",
        ["tls1.3"] = "accepted" } } }, expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.versions"] =
      { ssl3 = "accepted", ["tls1.0"] = "refused", ["tls1.1"] = "refused", ["tls1.2"] = "refused",
        ["tls1.3"] = "accepted" } } }, expect = "drift" },
    -- A version that nobody tried was not refused.
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.versions"] =
      { ssl3 = "refused", ["tls1.0"] = "refused", ["tls1.2"] = "refused", ["tls1.3"] = "accepted" } } },
      expect = "unknown" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.versions"] =
      { ["tls1.0"] = "accepted", ["tls1.2"] = "accepted", ["tls1.3"] = "accepted" } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.versions"] =
      { ["tls1.0"] = "undecided", ["tls1.1"] = "refused", ["tls1.2"] = "refused", ["tls1.3"] = "accepted" } } },
      expect = "unknown" },
    -- What was not tried was not refused.
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.versions"] = { ["tls1.3"] = "accepted" } } },
      expect = "unknown" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.versions"] =
      { ["tls1.0"] = "refused", ["tls1.1"] = "refused", ["tls1.3"] = "accepted" } } }, expect = "unknown" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.versions"] =
      { ["tls1.0"] = "refused", ["tls1.1"] = "refused", ["tls1.2"] = "refused", ["tls1.3"] = "refused" } } },
      expect = "unknown" },
    { on = "flows.api-db", expect = "pass",
      facts = { ["stores.db"] = { ["pg.settings"] = { ssl = true, min_protocol = "tls1.3" } } } },
    { on = "flows.api-db", expect = "drift",
      facts = { ["stores.db"] = { ["pg.settings"] = { ssl = true, min_protocol = "tls1.2" } } } },
    -- A server with TLS off has an oldest version all the same; it proves nothing.
    { on = "flows.api-db", expect = "unknown",
      facts = { ["stores.db"] = { ["pg.settings"] = { ssl = false, min_protocol = "tls1.3" } } } },
    -- A policy can ask for less than the template, but not for versions that are broken.
    { on = "flows.ship-log", expect = "fail",
      set = { ["policy.levels.high.tls"] = "tls1.0", ["flows.ship-log.tls.min"] = "tls1.1" } },
    { on = "flows.web", expect = "unobserved",
      set = { ["policy.levels.critical.tls"] = "tls1.2", ["flows.web.tls.min"] = "tls1.2" } },
    -- Beside ssh, a tls block is judged as any other.
    { on = "flows.deploy", set = { ["flows.deploy.tls.min"] = "tls1.1" }, expect = "fail" },
    -- X1: the lenient profile lowers the floor of critical data and still says so.
    { on = "flows.web", set = { ["policy.profile"] = "template-lenient" }, expect = "unobserved" },
    { on = "flows.web", set = { ["policy.profile"] = "template-lenient", ["flows.web.tls.min"] = "tls1.2" },
      expect = "fail" },
    { on = "flows.ship-log", set = { ["policy.profile"] = "template-lenient" }, expect = "unobserved" },
    { on = "flows.api-db", expect = "unknown",
      facts = { ["stores.db"] = { ["pg.settings"] = { ssl = true, min_protocol = "" } } } },
    { on = "flows.api-search", expect = "unobserved",
      facts = { ["stores.search"] = { ["pg.settings"] = { ssl = true, min_protocol = "tls1.3" } } } },
  },
}

rule {
  id = "TRANSIT-PLAINTEXT",
  title = "Flow carries data in plaintext",
  severity = "critical",
  source = { "TRANSIT-5", "TRANSIT-6", "MISTAKE-5" },
  subjects = { "flows" },
  decided = { "plan" },
  why = "Any compromised machine on the same network reads the traffic of all others.",
  fix = "Add a tls block to the flow, and make the server refuse plaintext.",
  check = function(f)
    if f.tls then return pass() end
    if f.ssh then return na("ssh: see PATH-SSH") end
    if #f.carries == 0 then
      -- No data of the plan, but what is said on it can be read and changed. On a deployment path
      -- that is the code and the credential that lets it in.
      local pipeline = f.identity ~= nil
      return fail { field = "tls", observed = "none", expected = "min: " .. OLDEST,
                    severity = pipeline and "high" or "low",
                    message = f.name .. (pipeline and " deploys" or " goes") .. " without TLS or ssh" }
    end
    return fail { field = "tls", observed = "none", expected = "min: " .. floor_tls(f),
                  severity = by_level("critical", f.effective),
                  message = f.name .. " carries " .. carried(f) .. " without TLS" }
  end,
  tests = {
    { on = "flows.web", expect = "pass" },
    { on = "flows.deploy", expect = "n/a" },
    { on = "flows.mesh", set = { ["flows.mesh.tls"] = "<absent>" }, expect = "fail" },
    { on = "flows.ship-log", set = { ["flows.ship-log.tls"] = "<absent>" }, expect = "fail" },
    { on = "flows.deploy", set = { ["flows.deploy.ssh"] = "<absent>" }, expect = "fail" },
    { on = "flows.mesh", set = { ["flows.mesh.tls"] = "<absent>", ["flows.mesh.carries"] = {} }, expect = "fail" },
    { on = "flows.deploy", set = { ["flows.deploy.ssh"] = "<absent>", ["flows.deploy.carries"] = { "event" } },
      expect = "fail" },
  },
}

rule {
  id = "TRANSIT-OPPORTUNISTIC",
  title = "Flow falls back to plaintext when its TLS is stripped",
  severity = "high",
  source = { "PATH-7" },
  subjects = { "flows" },
  decided = { "plan" },
  why = "Opportunistic TLS falls back to plaintext when someone on the path removes the offer.",
  fix = "Set mta_sts: enforce or dane: true where the domain really has them, or send only a link; to a database, " ..
    "make the client insist on TLS.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    -- X7: the template allows this for mail yet requires TLS; High and above need a policy.
    if not can_be_stripped(f) then return pass() end
    return fail { field = "tls.opportunistic", observed = "opportunistic, MTA-STS " .. (f.mta_sts or "none"),
                  expected = "mta_sts: enforce or dane: true",
                  message = f.name .. " falls back to plaintext with " .. carried(f) }
  end,
  tests = {
    { on = "flows.ship-log", expect = "pass" },
    { on = "flows.ship-log", set = { ["flows.ship-log.tls.opportunistic"] = true }, expect = "fail" },
    { on = "flows.ship-log", set = { ["flows.ship-log.tls.opportunistic"] = true,
                                     ["flows.ship-log.mta_sts"] = "testing" }, expect = "fail" },
    { on = "flows.ship-log", set = { ["flows.ship-log.tls.opportunistic"] = true,
                                     ["flows.ship-log.mta_sts"] = "enforce" }, expect = "pass" },
    { on = "flows.ship-log", set = { ["flows.ship-log.tls.opportunistic"] = true,
                                     ["flows.ship-log.dane"] = true }, expect = "pass" },
    { on = "flows.api-db", set = { ["flows.api-db.tls.opportunistic"] = true }, expect = "fail" },
    { on = "flows.api-db", set = { ["flows.api-db.tls.opportunistic"] = true,
                                   ["flows.api-db.mta_sts"] = "enforce" }, expect = "fail" },
    { on = "flows.ship-log", set = { ["flows.ship-log.tls.opportunistic"] = true,
                                     ["data.log.level"] = "medium" }, expect = "pass" },
    { on = "flows.ship-log", set = { ["flows.ship-log.tls"] = "<absent>" }, expect = "n/a" },
  },
}

rule {
  id = "TRANSIT-MTLS",
  title = "Services pass sensitive data without proving who they are",
  severity = "medium",
  source = { "PATH-3", "MED-4" },
  subjects = { "flows" },
  decided = { "plan" },
  why = "TLS without client certificates hides the data and still lets any neighbour ask for it.",
  fix = "Name the authority of the client certificates in tls.mutual.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    local from, to = end_of(f.from), end_of(f.to)
    if not from or not to or not is_own_service(from) or not is_own_service(to) then return na("not between two own services") end
    if from.zone ~= to.zone then return na("it leaves the zone") end
    if level_rank(level_of(f)) < level_rank("high") then return na("it carries no high or critical data") end
    local authority = key_of(f.tls.mutual)
    if authority and authority.type == "ca" then return pass() end
    if authority then
      return fail { field = "tls.mutual", observed = "a key of type " .. authority.type, expected = "a key of type ca",
                    message = f.name .. " names " .. authority.name .. ", which signs no client certificates" }
    end
    return fail { field = "tls.mutual", observed = "none", expected = "a key of type ca",
                  message = f.name .. " carries " .. carried(f) .. " and any program in " .. to.zone
                    .. " could be its peer" }
  end,
  tests = {
    { on = "flows.mesh", expect = "pass" },
    { on = "flows.mesh", set = { ["flows.mesh.tls.mutual"] = "<absent>" }, expect = "fail" },
    { on = "flows.mesh", set = { ["flows.mesh.tls.mutual"] = "audit" }, expect = "fail" },
    { on = "flows.mesh", set = { ["flows.mesh.tls.mutual"] = "<absent>", ["flows.mesh.carries"] = { "event" } },
      expect = "n/a" },
    { on = "flows.mesh", set = { ["flows.mesh.tls"] = "<absent>" }, expect = "n/a" },
    { on = "flows.web", expect = "n/a" },
    { on = "flows.api-db", expect = "n/a" },
    { on = "flows.mesh", set = { ["flows.mesh.tls.mutual"] = "<absent>", ["flows.mesh.carries"] = { "account" } },
      expect = "fail" },
    { on = "flows.mesh", set = { ["flows.mesh.tls.mutual"] = "<absent>", ["services.worker.zone"] = "batch" },
      expect = "n/a" },
  },
}

local CLUSTERED = { opensearch = true, elasticsearch = true, cassandra = true, kafka = true, clickhouse = true }

rule {
  id = "TRANSIT-NODE",
  title = "Nothing says that the nodes of a cluster speak TLS to each other",
  severity = "high",
  source = { "MED-3", "TRANSIT-6" },
  subjects = { "stores" },
  decided = { "plan" },
  why = "A cluster copies every record between its nodes, by default in plaintext.",
  fix = "Turn on node-to-node encryption and add a flow from the store to itself with tls.node_to_node: true.",
  check = function(s)
    if not CLUSTERED[s.kind] then return na("a " .. s.kind .. " store is not a cluster of nodes") end
    for _, f in ipairs(s.in_flows or {}) do
      if f.from == s.name and f.to == s.name then
        if not f.tls then return na("no tls on " .. f.name .. ": see TRANSIT-PLAINTEXT") end
        if f.tls.node_to_node then return pass() end
      end
    end
    return fail { observed = "no flow to itself with node_to_node",
                  expected = "a flow from " .. s.name .. " to " .. s.name,
                  severity = by_level("high", s.effective),
                  message = s.name .. " is a cluster (" .. s.kind .. ") and nothing says that its nodes speak TLS" }
  end,
  tests = {
    { on = "stores.search", expect = "pass" },
    { on = "stores.db", expect = "n/a" },
    { on = "stores.search", set = { ["flows.search-node"] = "<absent>" }, expect = "fail" },
    { on = "stores.search", set = { ["flows.search-node.tls.node_to_node"] = false }, expect = "fail" },
    { on = "stores.search", set = { ["flows.search-node.tls"] = "<absent>" }, expect = "n/a" },
    { on = "stores.search", set = { ["flows.search-node"] = "<absent>",
                                    ["flows.api-search.tls.node_to_node"] = true }, expect = "fail" },
  },
}

-- TRANSIT-1 and -2 speak of web endpoints; a pipeline that signs in with its identity is none.
local function no_web(f)
  local why = no_tls(f)
  if why then return why end
  if not is_public(f) then return "not a public endpoint of ours" end
  if f.identity and not f.http then return "a pipeline: see PATH-SSH" end
end

rule {
  id = "TRANSIT-1",
  title = "Public endpoint answers plain HTTP",
  severity = "high",
  source = { "TRANSIT-1", "PATH-1" },
  subjects = { "flows" },
  decided = { "plan", "live" },
  why = "The first request of a visitor goes out in plaintext when plain HTTP answers it.",
  fix = "Answer plain HTTP with 301 or 308 to the same host over https, or close the port; then say http.redirect: true.",
  check = function(f)
    local why = no_web(f)
    if why then return na(why) end
    if f.http and f.http.redirect then return pass() end
    return fail { field = f.http and "http.redirect" or "http", observed = "no redirect", expected = "true",
                  message = f.name .. " is public and nothing turns plain HTTP away" }
  end,
  live = function(f)
    local got = seen(f, "http.redirect")
    -- X13: 301 is not the only right answer; 308 and a closed port are as good.
    if got.closed then return pass(4) end
    if not got.status then return unknown("plain HTTP gave no answer that can be read") end
    if got.https and (got.status == 301 or got.status == 308) then return pass(4) end
    return fail { field = "http.redirect", observed = "status " .. tostring(got.status)
                    .. (got.https and " to https" or ""),
                  expected = "301 or 308 to https, or a closed port",
                  message = f.name .. " answers plain HTTP with " .. tostring(got.status) }
  end,
  tests = {
    { on = "flows.web", expect = "unobserved" },
    { on = "flows.web", set = { ["flows.web.http.redirect"] = false }, expect = "fail" },
    { on = "flows.web", set = { ["flows.web.http"] = "<absent>" }, expect = "fail" },
    { on = "flows.deploy", expect = "n/a" },
    { on = "flows.mesh", expect = "n/a" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.redirect"] = { closed = true } } }, expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.redirect"] =
      { closed = false, status = 308, https = true } } }, expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.redirect"] =
      { closed = false, status = 302, https = true } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.redirect"] =
      { closed = false, status = 200, https = false } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.redirect"] = { closed = false } } },
      expect = "unknown" },
    { on = "flows.deploy", set = { ["flows.deploy.ssh"] = "<absent>", ["flows.deploy.tls.min"] = "tls1.3" },
      expect = "n/a" },
    { on = "flows.deploy", set = { ["flows.deploy.ssh"] = "<absent>", ["flows.deploy.tls.min"] = "tls1.3",
                                   ["flows.deploy.http.redirect"] = true }, expect = "unobserved" },
  },
}

-- One place for the numbers, for the plan's hsts and the one that was seen.
local function weak_hsts(h)
  if (h.max_age or 0) < HSTS_LEAST then return "max_age", tostring(h.max_age or 0), tostring(HSTS_LEAST) end
  if not h.subdomains then return "subdomains", "false", "true" end
end

rule {
  id = "TRANSIT-2",
  title = "HSTS of a public endpoint is missing, short or without subdomains",
  severity = "medium",
  source = { "TRANSIT-2", "PATH-1" },
  subjects = { "flows" },
  decided = { "plan", "live" },
  why = "Without it a browser tries plain HTTP again on each new visit.",
  fix = "Send Strict-Transport-Security: max-age=31536000; includeSubDomains on every https answer.",
  check = function(f)
    local why = no_web(f)
    if why then return na(why) end
    if not f.http then return na("no http block: see TRANSIT-1") end
    if not f.http.hsts then
      return fail { field = "http.hsts", observed = "none", expected = "max_age: " .. HSTS_LEAST,
                    message = f.name .. " is public and sends no HSTS" }
    end
    local field, observed, expected = weak_hsts(f.http.hsts)
    if not field then return pass() end
    return fail { field = "http.hsts." .. field, observed = observed, expected = expected,
                  message = f.name .. " has an HSTS " .. field .. " of " .. observed }
  end,
  live = function(f)
    local got = seen(f, "http.hsts")
    if not got.present then
      return fail { field = "http.hsts", observed = "no header", expected = "max-age=" .. HSTS_LEAST,
                    message = f.name .. " really sends no HSTS" }
    end
    local field, observed, expected = weak_hsts(got)
    if not field then return pass(3) end
    return fail { field = "http.hsts." .. field, observed = observed, expected = expected,
                  message = f.name .. " really sends an HSTS " .. field .. " of " .. observed }
  end,
  tests = {
    { on = "flows.web", expect = "unobserved" },
    { on = "flows.web", set = { ["flows.web.http.hsts"] = "<absent>" }, expect = "fail" },
    { on = "flows.web", set = { ["flows.web.http.hsts.max_age"] = 86400 }, expect = "fail" },
    { on = "flows.web", set = { ["flows.web.http.hsts.subdomains"] = false }, expect = "fail" },
    { on = "flows.web", set = { ["flows.web.http"] = "<absent>" }, expect = "n/a" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.hsts"] =
      { present = true, max_age = 63072000, subdomains = true } } }, expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.hsts"] = { present = false } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.hsts"] =
      { present = true, max_age = 15552000, subdomains = true } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.hsts"] =
      { present = true, max_age = 31536000, subdomains = false } } }, expect = "drift" },
    { on = "flows.deploy", expect = "n/a" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.hsts"] =
      { present = true, max_age = 31536000, subdomains = true } } }, expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["http.hsts"] =
      { present = true, max_age = 31535999, subdomains = true } } }, expect = "drift" },
  },
}
