-- Key stores and access to them in an emergency. keys.lua says which rule owns what.

local APPROVERS_LEAST = 2
local DRILL_MOST = 90 -- days between rehearsals of emergency access

rule {
  id = "KEY-ADMIN-AND-READ",
  title = "One principal administers the key and reads the data under it",
  severity = "critical",
  source = { "KEYSTORE-3", "MISTAKE-2" },
  subjects = { "keys" },
  decided = { "live", "snapshot" },
  why = "One stolen role is then enough to change the key's policy and take the data.",
  fix = "Split the role: one administers the key, another uses it.",
  check = function(k)
    if is_envelope(k) then return na("an envelope key follows its parent") end
    if k.type == "certificate" then return na("a certificate opens no stored data") end
    local why = kept_in_the_open(k)
    if why then return na(why) end
    if BUILTIN_KEYS[k.custody.provider] then return na("its policy is the provider's own") end
    return pass()
  end,
  -- Policies of clouds come with their probes; until then those keys stay unobserved.
  live = function(k)
    local policy = seen(k, "key.policy")
    if #policy.both == 0 then return pass(3) end
    return fail { observed = and_list(policy.both), expected = "nobody",
                  message = and_list(policy.both) .. " may administer " .. k.name .. " and read what is under it" }
  end,
  tests = {
    { on = "keys.root", expect = "unobserved" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "env" }, expect = "n/a" },
    { on = "keys.edge-cert", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "provider-default" }, expect = "n/a" },
    { on = "keys.root", expect = "drift",
      facts = { ["keys.root"] = { ["key.policy"] = { administer = { "admin" }, read = { "admin" }, both = { "admin" } } } } },
    { on = "keys.root", expect = "pass",
      facts = { ["keys.root"] = { ["key.policy"] = { administer = { "admin" }, read = { "api" }, both = {} } } } },
    { on = "keys.root", expect = "unknown",
      facts = { ["keys.root"] = { ["key.policy"] = "<unknown> AccessDeniedException" } } },
  },
}

rule {
  id = "KEYSTORE-1",
  title = "Key is kept in code, an environment variable or a file",
  severity = "critical",
  source = { "KEYSTORE-1", "LESSON-1" },
  subjects = { "keys" },
  decided = { "plan", "live" },
  why = "Code is copied, environments are dumped, files are backed up: the key goes with them.",
  fix = "Move the key to a key service, and replace it, since it has been seen.",
  check = function(k)
    local provider = k.custody.provider
    if is_envelope(k) then return na("an envelope key is stored wrapped") end
    if not UNSAFE_KEEPERS[provider] then return pass() end
    return fail { field = "custody.provider", observed = provider, expected = "a key service",
                  message = k.name .. " is kept in " .. (provider == "env" and "an environment variable"
                    or provider == "file" and "a file" or "the code") }
  end,
  -- Scans of trees and environments for secrets are a probe of their own, still to come.
  live = function(k)
    seen(k, "secret.scan")
    return unknown("this version cannot judge a scan for secrets")
  end,
  tests = {
    { on = "keys.root", expect = "unobserved" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "code" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "env" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "file" }, expect = "fail" },
  },
}

-- The key of a store that is nobody's entry: the provider's own, or the operating system's.
local function store_without_own_key(s)
  if is_external_store(s) then return na("a processor's store: see THIRD-PARTY-EVIDENCE") end
  -- The disks of endpoints are theirs; a dump of production that lies on them is not.
  if is_endpoints(s) and not is_backup(s) then return na("endpoints: see ENDPOINT-FDE") end
  local volume = volume_of(s)
  if not volume.algorithm or volume.algorithm == "none" then return na("no encryption: see REST-1") end
  if not s.effective or floor(s.effective).custody == "provider-default" then
    return na("the provider's key is enough for its data")
  end
  if volume.algorithm == "provider-default" and not volume.key then return na("see REST-ALG") end
  if volume.algorithm == "sse-s3" and volume.key then
    return fail { field = "at_rest.volume.algorithm", observed = "sse-s3", expected = "sse-kms",
                  severity = by_level("high", s.effective),
                  message = s.name .. " names the key " .. volume.key .. ", and sse-s3 is under a key of S3 itself" }
  end
  if key_of(volume.key) then return pass() end
  return fail { field = volume.key and "at_rest.volume.key" or "at_rest.volume",
                observed = volume.key or "no key named", expected = "a key of the plan, in a key service",
                severity = by_level("high", s.effective),
                message = s.name .. " holds " .. s.effective .. " data (" .. tostring(s.effective_from)
                  .. ") under " .. (volume.key or "a key that nobody named") }
end

rule {
  id = "KEYSTORE-2",
  title = "Key is not in a dedicated key service",
  severity = "high",
  source = { "KEYSTORE-2", "CLASS-2", "CLASS-3", "STORE-5" },
  subjects = { "keys", "stores" },
  decided = { "plan", "live" },
  why = "A key that the storage provider keeps for itself opens the data for whoever may read the store.",
  fix = "Make a key in a key service and name it in at_rest.volume.key.",
  check = function(s)
    if s.section == "stores" then return store_without_own_key(s) end
    if is_envelope(s) then return na("an envelope key follows its parent") end
    local provider = s.custody.provider
    local why = kept_in_the_open(s)
    if why then return na(why) end
    if not BUILTIN_KEYS[provider] then return pass() end
    if not s.effective or floor(s.effective).custody == "provider-default" then
      return na("the provider's key is enough for its data")
    end
    return fail { field = "custody.provider", observed = provider, expected = "a key service",
                  severity = by_level("high", s.effective),
                  message = s.name .. " guards " .. s.effective .. " data (" .. tostring(s.effective_from)
                    .. ") and is left to " .. provider }
  end,
  -- Whether the service really has it. Other key services come with their probes.
  live = function(s)
    if s.section ~= "keys" or not is_redoubts(s) then return na("no probe of its key service") end
    local key = seen(s, "key.exists")
    if not key.found then
      return fail { observed = "no such key", expected = "a key",
                    message = "the key service has no key " .. s.name .. ": redoubt apply makes it" }
    end
    if key.foreign then
      return fail { observed = "another plan's or environment's key", expected = "this one's",
                    message = "alias/" .. s.name .. " is the key of another plan or environment" }
    end
    if key.state == "Enabled" and not key.suspended then return pass(3) end
    return fail { observed = key.suspended and "suspended" or key.state, expected = "Enabled",
                  message = s.name .. " cannot be used: " .. (key.suspended and "an approver suspended it" or key.state)
                    .. (key.deletion and ", to be destroyed on " .. date(key.deletion) or "") }
  end,
  tests = {
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "redoubt" }, expect = "unobserved" },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "redoubt" }, expect = "pass",
      facts = { ["keys.audit"] = { ["key.exists"] = { found = true, state = "Enabled", suspended = false } } } },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["keys.audit"] = { ["key.exists"] = { found = false } } } },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["keys.audit"] = { ["key.exists"] =
        { found = true, state = "PendingDeletion", suspended = false, deletion = 20000 } } } },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["keys.audit"] = { ["key.exists"] = { found = true, state = "Enabled", suspended = true } } } },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["keys.audit"] = { ["key.exists"] =
        { found = true, state = "Enabled", suspended = false, foreign = true } } } },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "redoubt" }, expect = "unknown",
      facts = { ["keys.audit"] = { ["key.exists"] = "<unknown> it is kept in another account" } } },
    { on = "keys.root", expect = "pass" },
    { on = "stores.db", expect = "pass" },
    { on = "stores.laptops", expect = "n/a" },
    { on = "stores.stripe", expect = "n/a" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "provider-default" }, expect = "fail" },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "file" }, expect = "n/a" },
    { on = "stores.audit", set = { ["stores.audit.at_rest.volume.key"] = "provider-default" }, expect = "fail" },
    { on = "stores.audit", set = { ["stores.audit.at_rest.volume.key"] = "<absent>" }, expect = "fail" },
    { on = "stores.audit", set = { ["stores.audit.at_rest.volume.algorithm"] = "sse-s3" }, expect = "fail" },
    { on = "stores.audit", set = { ["stores.audit.at_rest.volume.algorithm"] = "sse-s3", ["data.log.level"] = "low" },
      expect = "n/a" },
    { on = "stores.laptops", set = { ["stores.laptops.backup_of"] = { "db" } }, expect = "fail" },
    { on = "stores.audit", set = { ["stores.audit.at_rest.volume.key"] = "provider-default",
                                   ["data.log.level"] = "low" }, expect = "n/a" },
    { on = "stores.audit", set = { ["stores.audit.at_rest"] = "<absent>" }, expect = "n/a" },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "provider-default", ["data.log.level"] = "low" },
      expect = "n/a" },
    { on = "keys.search", set = { ["keys.search.custody.provider"] = "provider-default",
                                  ["stores.search.at_rest.volume.key"] = "<absent>" }, expect = "n/a" },
    { on = "stores.audit", set = { ["stores.audit.at_rest.volume.key"] = "<absent>",
                                   ["stores.audit.at_rest.volume.algorithm"] = "provider-default" }, expect = "n/a" },
    { on = "stores.audit", set = { ["stores.audit.at_rest.volume.key"] = "provider-default",
                                   ["stores.audit.at_rest.volume.algorithm"] = "provider-default" },
      expect = "fail" },
  },
}

-- Which keys need emergency access: those that guard critical stores directly, and the root of a
-- hierarchy over critical data. Keys in between wrap nothing but keys of the same chain.
local function needs_break_glass(k)
  if not is_critical(k) then return false end
  if #k.children > 0 and not k.wrapped_by and k.custody.hardware then return true end
  for _, s in ipairs(k.protects) do
    if s.section == "stores" and is_critical(s) then return true end
  end
  return false
end

-- BACKUP-RESTORE asks for the drill of a key that opens backups; one drill, one finding.
local function opens_backups(k)
  for _, s in ipairs(k.protects) do
    if is_backup(s) then return true end
  end
  return false
end

local function drill(k, glass)
  if opens_backups(k) or not glass.tested_every then return pass() end
  if glass.tested_every > DRILL_MOST then
    return fail { field = "access.break_glass.tested_every", observed = days(glass.tested_every),
                  expected = "at most " .. days(DRILL_MOST),
                  message = "emergency access to " .. k.name .. " is rehearsed every " .. days(glass.tested_every) }
  end
  if within_days(glass.tested, glass.tested_every) then return pass() end
  return fail { field = "access.break_glass.tested", observed = date_or(glass.tested, "never"),
                expected = "within " .. days(glass.tested_every),
                message = "emergency access to " .. k.name .. " was last rehearsed: "
                  .. date_or(glass.tested, "never") }
end

rule {
  id = "KEY-BREAKGLASS",
  title = "Emergency access to a critical key does not take two people",
  severity = "high",
  source = { "KEYSTORE-4", "MED-5" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "One person who can open everything is one person who can be bribed, phished or wrong.",
  fix = "Set access.break_glass.approvers to two or more and rehearse it every 90 days.",
  check = function(k)
    if is_envelope(k) then return na("an envelope key follows its parent") end
    if k.type == "certificate" then return na("a certificate is replaced in an emergency") end
    local why = kept_in_the_open(k)
    if why then return na(why) end
    if BUILTIN_KEYS[k.custody.provider] then return na(k.custody.provider .. ": see KEYSTORE-2") end
    if not needs_break_glass(k) then return na("it neither guards critical stores nor is a root over them") end
    local glass = k.access and k.access.break_glass
    if not glass then
      return fail { field = k.access and "access", observed = "none",
                    expected = "approvers: " .. APPROVERS_LEAST,
                    message = "nothing says who may open " .. k.name .. " in an emergency" }
    end
    if (glass.approvers or 0) < APPROVERS_LEAST then
      return fail { field = "access.break_glass.approvers", observed = tostring(glass.approvers or 0),
                    expected = "at least " .. APPROVERS_LEAST,
                    message = k.name .. " can be opened by " .. tostring(glass.approvers or 0) .. " approver" }
    end
    return drill(k, glass)
  end,
  tests = {
    { on = "keys.root", expect = "pass" },
    { on = "keys.volume", expect = "pass" },
    { on = "keys.backup", expect = "pass" },
    { on = "keys.audit", expect = "n/a" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.tenant", expect = "n/a" },
    { on = "keys.edge-cert", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.access.break_glass.approvers"] = 1 }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.access.break_glass"] = "<absent>" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.access.break_glass.tested_every"] = "180d" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.access.break_glass.tested"] = "2026-08-01" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.access.break_glass.tested"] = "<absent>" }, expect = "fail" },
    { on = "keys.backup", set = { ["keys.backup.access.break_glass.tested"] = "2026-01-01" }, expect = "pass" },
    { on = "keys.mesh-ca", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "env" }, expect = "n/a" },
    { on = "keys.volume", set = { ["keys.volume.custody.provider"] = "provider-default" }, expect = "n/a" },
    { on = "keys.volume", set = { ["keys.volume.access.break_glass.approvers"] = "<absent>" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.access"] = "<absent>" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.access.break_glass.tested_every"] = "91d" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.access.break_glass.tested"] = "2026-08-26" }, expect = "pass" },
    { on = "keys.volume", set = { ["keys.volume.access.break_glass.tested"] = "2026-08-25" }, expect = "fail" },
  },
}
