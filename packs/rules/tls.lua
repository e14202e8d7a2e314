-- Certificates, pins and key exchange.
--
-- TLS-PIN-PUBLIC owns a pin on a public edge, TLS-PIN-NEXT every other pin. TLS-CERT-LIFETIME only
-- speaks where KEY-FLOOR-ROTATION is content with the certificate's key.

-- X8: longest lifetime of a public certificate by the day it was issued (CA/Browser Forum
-- Baseline Requirements 6.3.2, ballot SC-081). Days since 1970, newest first.
local LIFETIMES = {
  { from = 21623, most = 47 },  -- 2029-03-15
  { from = 20892, most = 100 }, -- 2027-03-15
  { from = 20527, most = 200 }, -- 2026-03-15
  { from = 18506, most = 398 }, -- 2020-09-01
  { from = 0, most = 825 },
}
local function longest_lifetime(issued)
  for _, row in ipairs(LIFETIMES) do
    if issued >= row.from then return row.most end
  end
  return LIFETIMES[#LIFETIMES].most
end

-- Warnings before expiry: TRANSIT-7's fixed days, or a share of a short lifetime (X8).
local ALERTS = { 30, 14, 7 }

-- Shortest time that one certificate of the plan is used, or nil.
local function shortest_certificate()
  local shortest
  for _, key in pairs(plan.keys) do
    if key.type == "certificate" and (not shortest or key.rotation.every < shortest) then
      shortest = key.rotation.every
    end
  end
  return shortest
end

rule {
  id = "TRANSIT-7",
  title = "Nobody is told in time before a certificate expires",
  severity = "medium",
  source = { "TRANSIT-7" },
  subjects = { "plan" },
  decided = { "plan" },
  why = "An expired certificate is an outage, and the fix in a hurry is to turn verification off.",
  fix = "Set procedures.cert-monitoring.alerts to [30d, 14d, 7d] and name the channel.",
  check = function()
    local shortest = shortest_certificate()
    if not shortest then return na("no certificate among the keys") end
    local monitoring = plan.procedures and plan.procedures["cert-monitoring"]
    local alerts = monitoring and monitoring.alerts or {}
    for _, want in ipairs(ALERTS) do
      -- X8: with short certificates a third of the lifetime is early enough for the first alerts.
      local latest, met = math.min(want, shortest / 3), false
      for _, at in ipairs(alerts) do met = met or (at >= latest and at <= want) end
      if not met then
        local have = {}
        for i, at in ipairs(alerts) do have[i] = days(at) end
        return fail { field = "procedures.cert-monitoring.alerts", observed = and_list(have),
                      expected = "30d, 14d and 7d",
                      message = "no alert " .. days(want) .. " before a certificate expires" }
      end
    end
    return pass()
  end,
  tests = {
    { on = "plan", expect = "pass" },
    { on = "plan", set = { ["procedures.cert-monitoring.alerts"] = { "30d", "14d" } }, expect = "fail" },
    { on = "plan", set = { ["procedures.cert-monitoring.alerts"] = { "14d", "7d" } }, expect = "fail" },
    { on = "plan", set = { ["procedures.cert-monitoring"] = "<absent>" }, expect = "fail" },
    { on = "plan", set = { ["procedures.cert-monitoring.alerts"] = { "16d", "14d", "7d" },
                           ["keys.edge-cert.rotation.every"] = "47d" }, expect = "pass" },
    { on = "plan", set = { ["keys.edge-cert"] = "<absent>", ["flows.web.tls.cert"] = "<absent>",
                           ["environments.staging.patch.keys.edge-cert"] = "<absent>" }, expect = "n/a" },
    { on = "plan", set = { ["procedures.cert-monitoring.alerts"] = { "20d", "14d", "7d" },
                           ["keys.edge-cert.rotation.every"] = "60d" }, expect = "pass" },
    { on = "plan", set = { ["procedures.cert-monitoring.alerts"] = { "19d", "14d", "7d" },
                           ["keys.edge-cert.rotation.every"] = "60d" }, expect = "fail" },
    { on = "plan", set = { ["procedures.cert-monitoring.alerts"] = { "31d", "14d", "7d" } }, expect = "fail" },
  },
}

local function expiring(f, left, severity, seen_at)
  return fail { field = "tls", observed = seen_at, expected = "a certificate with time left",
                severity = severity,
                message = "the certificate of " .. f.name
                  .. (left < 0 and " has expired" or " expires in " .. days(math.floor(left))) }
end

-- Short enough that no browser takes them. What other kinds of key are worth is for the grade to say.
local SHORT_CERT_KEYS = {
  ["rsa-512"] = true, ["rsa-768"] = true, ["rsa-1024"] = true, ["rsa-1536"] = true,
  ["dsa-512"] = true, ["dsa-1024"] = true,
}

rule {
  id = "TLS-CERT-EXPIRY",
  title = "Certificate is expired, about to expire or not valid for its host",
  severity = "high",
  source = { "TRANSIT-7", "PATH-1" },
  subjects = { "flows" },
  decided = { "live" },
  why = "An expired or foreign certificate is an outage, or clients that no longer look.",
  fix = "Renew it now, then let it renew itself.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    return pass()
  end,
  live = function(f)
    local cert = seen(f, "tls.cert")
    if not cert.not_after then return unknown("the certificate has no readable end date") end
    local left = cert.not_after - run_date
    local lifetime = cert.lifetime or (cert.not_before and cert.not_after - cert.not_before) or 398
    local at = "until " .. date(math.floor(cert.not_after))
    if left < 0 or left < math.min(ALERTS[3], lifetime / 12) then return expiring(f, left, "high", at) end
    if cert.host == false or cert.chain == false then
      return fail { field = "tls", observed = cert.host == false and "another host" or "an untrusted chain",
                    expected = "this host, a trusted chain",
                    message = "the certificate of " .. f.name .. " does not verify: "
                      .. (cert.why or (cert.host == false and "wrong host" or "broken chain")) }
    end
    if SHORT_CERT_KEYS[cert.key] then
      return fail { field = "tls", observed = cert.key, expected = "rsa-2048 or stronger",
                    message = "the certificate of " .. f.name .. " has a key that is too short" }
    end
    if cert.host == nil or cert.chain == nil then return unknown("the certificate was not verified") end
    if cert.all == false then return unknown("not every address showed its certificate") end
    if left < math.min(ALERTS[2], lifetime / 6) then return expiring(f, left, "medium", at) end
    -- X8: the first warning is only that: a certificate that renews itself is often here for a day.
    if left < math.min(ALERTS[1], lifetime / 3) then return expiring(f, left, "info", at) end
    return pass(3)
  end,
  tests = {
    { on = "flows.web", expect = "unobserved" },
    { on = "flows.deploy", expect = "n/a" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20741, not_after = 20831, lifetime = 90, host = true, chain = true } } }, expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20741, not_after = 20831, lifetime = 90, host = true, chain = true, all = false } } }, expect = "unknown" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20690, not_after = 20780, lifetime = 90, host = true, chain = false } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20696, not_after = 20786, lifetime = 90, host = true, chain = true } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20710, not_after = 20800, lifetime = 90, host = true, chain = true } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20741, not_after = 20831, lifetime = 90, host = false, chain = true } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20741, not_after = 20831, lifetime = 90, host = true, chain = false } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { host = true } } }, expect = "unknown" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20741, not_after = 20831, lifetime = 90, host = true, chain = true, key = "rsa-1024" } } },
      expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20741, not_after = 20831, lifetime = 90, host = true, chain = true, key = "rsa-2048" } } },
      expect = "pass" },
    -- A third of the lifetime: 30 days are enough for 90, 29 are not.
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20721, not_after = 20811, lifetime = 90, host = true, chain = true } } }, expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20721, not_after = 20811, lifetime = 90, host = true } } }, expect = "unknown" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20720, not_after = 20810, lifetime = 90, host = true, chain = true } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20771, not_after = 20801, host = true, chain = true } } }, expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_after = 20801, host = true, chain = true } } }, expect = "drift" },
  },
}

rule {
  id = "TLS-CERT-LIFETIME",
  title = "Public certificate lives longer than browsers accept",
  severity = "medium",
  source = { "TRANSIT-7", "PATH-1" },
  subjects = { "flows" },
  decided = { "plan", "live" },
  why = "Browsers refuse certificates above the maximum in force when they were issued.",
  fix = "Let an ACME client or the provider issue and renew it, and shorten rotation.every of its key.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    if not is_public(f) then return na("not a public endpoint of ours") end
    local key = f.tls.cert and key_of(f.tls.cert)
    if not key then return na("no certificate is named in tls.cert") end
    local most, every = longest_lifetime(run_date), key.rotation.every
    local due = key.effective and floor(key.effective).rotation or 0
    if due > 0 and every > due then return na("see KEY-FLOOR-ROTATION on " .. key.name) end
    if every <= most then return pass() end
    return fail { field = "tls.cert", observed = days(every), expected = "at most " .. days(most),
                  message = key.name .. " is renewed every " .. days(every) .. "; a public certificate may live "
                    .. days(most) }
  end,
  live = function(f)
    local cert = seen(f, "tls.cert")
    if not cert.lifetime or not cert.not_before then return unknown("the certificate has no readable dates") end
    local most = longest_lifetime(cert.not_before)
    if cert.lifetime <= most then
      if cert.all == false then return unknown("not every address showed its certificate") end
      return pass(3)
    end
    return fail { field = "tls.cert", observed = days(math.ceil(cert.lifetime)), expected = "at most " .. days(most),
                  message = "the certificate of " .. f.name .. " lives " .. days(math.ceil(cert.lifetime))
                    .. "; on its day of issue " .. days(most) .. " was the most" }
  end,
  tests = {
    { on = "flows.web", expect = "unobserved" },
    { on = "flows.mesh", expect = "n/a" },
    -- High data allows a year between rotations, so the public maximum is what speaks here.
    { on = "flows.web", set = { ["flows.web.carries"] = { "account" }, ["keys.edge-cert.rotation.every"] = "300d" },
      expect = "fail" },
    { on = "flows.web", set = { ["flows.web.carries"] = { "account" }, ["keys.edge-cert.rotation.every"] = "150d" },
      expect = "unobserved" },
    { on = "flows.web", set = { ["flows.web.carries"] = { "account" }, ["keys.edge-cert.rotation.every"] = "150d" },
      date = "2027-03-20", expect = "fail" },
    { on = "flows.web", set = { ["keys.edge-cert.rotation.every"] = "300d" }, expect = "n/a" },
    { on = "flows.web", set = { ["flows.web.tls.cert"] = "<absent>" }, expect = "n/a" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20741, not_after = 20831, lifetime = 90 } } }, expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20741, not_after = 20831, lifetime = 90, all = false } } }, expect = "unknown" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20741, not_after = 21106, lifetime = 365 } } }, expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] =
      { not_before = 20500, not_after = 20865, lifetime = 365 } } }, expect = "pass" },
    { on = "flows.web", set = { ["flows.web.carries"] = { "account" }, ["keys.edge-cert.rotation.every"] = "200d" },
      expect = "unobserved" },
    { on = "flows.web", set = { ["flows.web.carries"] = { "account" }, ["keys.edge-cert.rotation.every"] = "201d" },
      expect = "fail" },
    { on = "flows.deploy", expect = "n/a" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { lifetime = 90 } } }, expect = "unknown" },
    -- The first and the last day of each row of the table.
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 21623, lifetime = 47 } } },
      expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 21623, lifetime = 48 } } },
      expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 21622, lifetime = 100 } } },
      expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 20892, lifetime = 101 } } },
      expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 20891, lifetime = 200 } } },
      expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 20527, lifetime = 201 } } },
      expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 20526, lifetime = 398 } } },
      expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 18506, lifetime = 399 } } },
      expect = "drift" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 18505, lifetime = 825 } } },
      expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.cert"] = { not_before = 18505, lifetime = 826 } } },
      expect = "drift" },
  },
}

rule {
  id = "TLS-PIN-NEXT",
  title = "Pinned authority has no successor beside it",
  severity = "medium",
  source = { "PATH-2", "PATH-3" },
  subjects = { "flows" },
  decided = { "plan" },
  why = "On the day the authority changes, every client that pins only the old one is cut off.",
  fix = "Name the authority that follows in tls.pin_next and roll it out before the change.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    if not f.tls.pin then return na("nothing is pinned") end
    if is_public(f) then return na("public: see TLS-PIN-PUBLIC") end
    -- X14: the template pins one root; a pin without its successor becomes an outage.
    if f.tls.pin_next and f.tls.pin_next ~= f.tls.pin then return pass() end
    return fail { field = f.tls.pin_next and "tls.pin_next" or "tls.pin", observed = f.tls.pin .. " alone",
                  expected = "pin_next with the authority that follows",
                  message = f.name .. " trusts " .. f.tls.pin .. " and nothing after it" }
  end,
  tests = {
    { on = "flows.api-db", expect = "pass" },
    { on = "flows.web", expect = "n/a" },
    { on = "flows.api-db", set = { ["flows.api-db.tls.pin_next"] = "<absent>" }, expect = "fail" },
    { on = "flows.api-db", set = { ["flows.api-db.tls.pin_next"] = "db-ca" }, expect = "fail" },
    { on = "flows.api-db", set = { ["flows.api-db.tls.pin"] = "<absent>" }, expect = "n/a" },
    { on = "flows.web", set = { ["flows.web.tls.pin"] = "db-ca" }, expect = "n/a" },
    { on = "flows.api-db", set = { ["flows.api-db.tls"] = "<absent>" }, expect = "n/a" },
  },
}

rule {
  id = "TLS-PIN-PUBLIC",
  title = "Public endpoint is pinned",
  severity = "low",
  source = { "PATH-1" },
  subjects = { "flows" },
  decided = { "plan" },
  why = "Clients that we do not control keep the pin when the certificate changes.",
  fix = "Remove tls.pin; use certificate transparency and CAA records instead.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    if not is_public(f) then return na("not a public endpoint of ours") end
    if not f.tls.pin then return pass() end
    return fail { field = "tls.pin", observed = f.tls.pin, expected = "no pin",
                  message = f.name .. " is public and pinned to " .. f.tls.pin }
  end,
  tests = {
    { on = "flows.web", expect = "pass" },
    { on = "flows.api-db", expect = "n/a" },
    { on = "flows.web", set = { ["flows.web.tls.pin"] = "db-ca" }, expect = "fail" },
    { on = "flows.web", set = { ["flows.web.tls"] = "<absent>" }, expect = "n/a" },
  },
}

rule {
  id = "PQ-LONG-LIVED",
  title = "Critical data travels under a classical key exchange only",
  severity = "info",
  source = { "CLASS-1" },
  subjects = { "flows" },
  decided = { "plan", "live" },
  why = "Traffic recorded today can be read once a quantum computer breaks X25519 or ECDHE; health records last longer than that.",
  fix = "Offer a hybrid group such as x25519mlkem768 first.",
  check = function(f)
    local why = no_tls(f)
    if why then return na(why) end
    if not is_critical(f) then return na("it carries no critical data") end
    -- No list of groups says nothing either way: a probe has to look.
    if not f.tls.groups then return pass() end
    for _, group in ipairs(f.tls.groups) do
      if str.find(group, "mlkem") then return pass() end
    end
    return fail { field = "tls.groups", observed = and_list(f.tls.groups), expected = "x25519mlkem768",
                  message = f.name .. " carries critical data under a classical key exchange only" }
  end,
  live = function(f)
    local groups = seen(f, "tls.groups")
    for group, answer in pairs(groups) do
      if answer == "accepted" and str.find(group, "mlkem") then return pass(4) end
    end
    return unknown("no hybrid group was seen to be accepted")
  end,
  tests = {
    { on = "flows.web", expect = "unobserved" },
    { on = "flows.ship-log", expect = "n/a" },
    { on = "flows.web", set = { ["flows.web.tls.groups"] = { "x25519", "secp256r1" } }, expect = "fail" },
    { on = "flows.web", set = { ["flows.web.tls.groups"] = { "x25519", "x25519mlkem768" } }, expect = "unobserved" },
    { on = "flows.web", set = { ["flows.web.tls.groups"] = "<absent>" }, expect = "unobserved" },
    { on = "flows.web", set = { ["flows.web.tls"] = "<absent>" }, expect = "n/a" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.groups"] = { x25519mlkem768 = "accepted" } } },
      expect = "pass" },
    { on = "flows.web", facts = { ["flows.web"] = { ["tls.groups"] =
      { x25519mlkem768 = "refused", x25519 = "accepted" } } }, expect = "unknown" },
  },
}
