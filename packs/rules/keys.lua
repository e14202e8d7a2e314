-- Keys: how they are made, where they are kept, who may use them and for what.
--
-- Who owns what:
--   code, env, file                       KEYSTORE-1; nothing else speaks of custody then
--   os-managed, provider-default          KEYSTORE-2, on the key or on the store that names it
--   a key service without hardware        KEY-FLOOR-HSM
--   hardware with a FIPS 140-2 paper      KEY-FIPS-HISTORICAL
--   an envelope key with no parent        KEY-SEPARATE: it lies in clear beside its data
--   a backup under its source's key       REST-3, not KEY-ONE-PURPOSE
-- Envelope keys follow their parent; certificates need no hardware, principals or retirement.

local PRINCIPALS_MOST = 5
-- X9: on this day the last FIPS 140-2 certificates went historical (CMVP). 2026-09-22.
local FIPS_140_2_END = 20718

-- Providers that make the key themselves, from their own generator.
local GENERATES = {
  ["os-managed"] = true, ["provider-default"] = true, ["aws-kms"] = true, ["aws-cloudhsm"] = true,
  ["gcp-kms"] = true, ["azure-key-vault"] = true, vault = true, redoubt = true, hsm = true,
  istio = true, acm = true,
}
-- Validated at level 3 or better; whether the edition still counts is KEY-FIPS-HISTORICAL's.
local LEVEL_3 = {
  ["fips140-2-l3"] = true, ["fips140-2-l4"] = true, ["fips140-3-l3"] = true, ["fips140-3-l4"] = true,
}
-- Authorities whose leaves live for hours or days, so that a stolen leaf is soon worthless.
local SHORT_LEAVES = { istio = true, redoubt = true, ["lets-encrypt"] = true }

-- Why rules about custody do not apply to a key, or nil.
local function follows_another(k)
  if is_envelope(k) then return "an envelope key follows its parent" end
  if k.type == "certificate" then return "a certificate is replaced, not guarded for years" end
  if BUILTIN_KEYS[k.custody.provider] then return k.custody.provider .. ": see KEYSTORE-2" end
  return kept_in_the_open(k)
end

rule {
  id = "KEYGEN-1",
  title = "Nothing says which generator makes the keys",
  severity = "high",
  source = { "KEYGEN-1" },
  subjects = { "plan" },
  decided = { "plan" },
  why = "A key from a predictable generator can be computed again.",
  fix = "Generate keys in the key service, or with getrandom(), and say so in procedures.key-generation.csprng.",
  check = function()
    local ours
    for _, k in pairs(plan.keys) do
      local provider = k.custody.provider
      -- The smallest name, so that the message does not depend on the order of a map.
      if not GENERATES[provider] and not UNSAFE_KEEPERS[provider] and (not ours or k.name < ours) then ours = k.name end
    end
    if not ours then return na("every key is made by the service that keeps it") end
    local made = plan.procedures and plan.procedures["key-generation"] or {}
    if made.csprng and made.csprng ~= "other" then return pass() end
    return fail { field = "procedures.key-generation.csprng", observed = made.csprng or "none",
                  expected = "kms, vault, hsm or os",
                  message = "nothing says which generator makes keys such as " .. ours }
  end,
  tests = {
    { on = "plan", expect = "pass" },
    { on = "plan", set = { ["procedures.key-generation.csprng"] = "<absent>" }, expect = "fail" },
    { on = "plan", set = { ["procedures.key-generation.csprng"] = "other" }, expect = "fail" },
    { on = "plan", set = { ["keys.record.custody.provider"] = "aws-kms" }, expect = "n/a" },
    { on = "plan", set = { ["keys.record.custody.provider"] = "file" }, expect = "n/a" },
  },
}

rule {
  id = "KEYGEN-3",
  title = "Generation of keys is not logged",
  severity = "medium",
  source = { "KEYGEN-3" },
  subjects = { "plan" },
  decided = { "plan" },
  why = "A key that nobody recorded cannot be told from one that an intruder added.",
  fix = "Name the log in procedures.key-generation.logged_to.",
  check = function()
    if next(plan.keys) == nil then return na("the plan has no keys") end
    local made = plan.procedures and plan.procedures["key-generation"] or {}
    if made.logged_to then return pass() end
    return fail { field = "procedures.key-generation.logged_to", observed = "none", expected = "a log",
                  message = "nothing says where the generation of a key is recorded" }
  end,
  tests = {
    { on = "plan", expect = "pass" },
    { on = "plan", set = { ["procedures.key-generation.logged_to"] = "<absent>" }, expect = "fail" },
    { on = "plan", set = { ["procedures.key-generation"] = "<absent>" }, expect = "fail" },
  },
}

rule {
  id = "KEY-FLOOR-ROTATION",
  title = "Key is replaced less often than the strictest data under it demands",
  severity = "high",
  source = { "CLASS-1", "CLASS-2", "CLASS-3", "MISTAKE-3" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "The longer one key is used, the more data one theft opens.",
  fix = "Shorten rotation.every, or move the stricter data under a key of its own.",
  check = function(k)
    if is_envelope(k) then return na("an envelope key turns with its parent") end
    if not k.effective then return na("it protects no data: see PLAN-UNUSED-KEY") end
    if k.rotation.every <= 0 then
      return fail { field = "rotation.every", observed = "0d", expected = "a period",
                    severity = by_level("high", k.effective),
                    message = k.name .. " says 0d, which is no period to turn a key in" }
    end
    -- X5: a volume key that holds one critical column has the floor of that column.
    local most = floor(k.effective).rotation or 0
    if most == 0 then return na("no period is demanded for " .. k.effective .. " data") end
    if k.rotation.every <= most then return pass() end
    return fail { field = "rotation.every", observed = days(k.rotation.every), expected = "at most " .. days(most),
                  severity = by_level("high", k.effective),
                  message = k.name .. " turns every " .. days(k.rotation.every) .. "; " .. k.effective
                    .. " data (" .. tostring(k.effective_from) .. ") needs " .. days(most) }
  end,
  tests = {
    { on = "keys.root", expect = "pass" },
    { on = "keys.audit", expect = "pass" },
    { on = "keys.edge-cert", expect = "pass" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.rotation.every"] = "91d" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.rotation.every"] = "0d" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.rotation.every"] = "365d" }, expect = "fail" },
    { on = "keys.audit", set = { ["keys.audit.rotation.every"] = "400d" }, expect = "fail" },
    { on = "keys.audit", set = { ["keys.audit.rotation.every"] = "400d", ["data.log.level"] = "low" },
      expect = "n/a" },
    { on = "keys.search", set = { ["stores.search.at_rest.volume.key"] = "<absent>" }, expect = "n/a" },
  },
}

-- Leaves of such an authority are worthless soon; only a critical flow that has no other anchor
-- (no pinned authority, no server certificate of its own) rests on it alone.
local function short_leaves(k)
  if k.type ~= "ca" or not SHORT_LEAVES[k.custody.provider] then return false end
  for _, s in ipairs(k.protects) do
    if s.section == "flows" and is_critical(s) and not s.tls.pin and not s.tls.cert then return false end
  end
  return true
end

rule {
  id = "KEY-FLOOR-HSM",
  title = "Key over critical data is not in validated hardware",
  severity = "high",
  source = { "CLASS-1", "KEYGEN-2", "LESSON-3" },
  subjects = { "keys" },
  decided = { "plan", "live" },
  why = "A key in software can be copied without a trace.",
  fix = "Keep it in a KMS or HSM with FIPS 140-3 level 3 and say custody.hardware: true with the validation.",
  check = function(k)
    local why = follows_another(k)
    if why then return na(why) end
    if not k.effective or floor(k.effective).custody ~= "hardware" then
      return na("hardware is not demanded for its data")
    end
    if short_leaves(k) then return na("an authority of short-lived certificates, beside another anchor") end
    if not k.custody.hardware then
      return fail { field = "custody.hardware", observed = "software", expected = "true",
                    message = k.name .. " is kept in software; " .. k.effective .. " data ("
                      .. tostring(k.effective_from) .. ") needs hardware" }
    end
    if LEVEL_3[k.custody.validation] then return pass() end
    return fail { field = "custody.validation", observed = k.custody.validation or "none",
                  expected = "fips140-3-l3",
                  message = k.name .. " is in hardware without a level 3 validation" }
  end,
  -- Redoubt's custody is that of its weakest seal: a way around the hardware is the way that is taken.
  live = function(k)
    if not is_redoubts(k) then return na("no probe of its key service") end
    local seal = seen(k, "key.custody").seal
    if seal == "hsm" then return pass(3) end
    return fail { field = "custody.hardware", observed = seal, expected = "hsm",
                  message = "the key service that keeps " .. k.name .. " can be opened by a " .. seal .. " seal" }
  end,
  tests = {
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "unobserved" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "pass",
      facts = { ["keys.root"] = { ["key.custody"] = { seal = "hsm" } } } },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["keys.root"] = { ["key.custody"] = { seal = "shamir" } } } },
    { on = "keys.root", expect = "pass" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.edge-cert", expect = "n/a" },
    { on = "keys.audit", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.custody.hardware"] = false }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.validation"] = "fips140-3-l2" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.validation"] = "<absent>" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.validation"] = "fips140-2-l3" }, expect = "pass" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "file" }, expect = "n/a" },
    { on = "keys.mesh-ca", set = { ["keys.mesh-ca.custody.hardware"] = false }, expect = "fail" },
    { on = "keys.mesh-ca", set = { ["keys.mesh-ca.custody.hardware"] = false, ["flows.mesh.tls.pin"] = "db-ca",
                                   ["flows.mesh.tls.pin_next"] = "db-ca-next" }, expect = "n/a" },
    { on = "keys.mesh-ca", set = { ["keys.mesh-ca.custody.hardware"] = false, ["flows.mesh.tls.pin"] = "db-ca",
                                   ["flows.mesh.tls.pin_next"] = "db-ca-next",
                                   ["keys.mesh-ca.custody.provider"] = "vault" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "provider-default" }, expect = "n/a" },
  },
}

rule {
  id = "KEY-FIPS-HISTORICAL",
  title = "Validation that is cited is historical",
  severity = "medium",
  source = { "KEYGEN-2" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "FIPS 140-2 certificates are historical since 2026-09-22; auditors no longer take them.",
  fix = "Cite the module's FIPS 140-3 certificate in custody.validation.",
  check = function(k)
    local cited = k.custody.validation
    if not cited or cited == "none" then return na("no validation is cited") end
    if not str.starts(cited, "fips140-2") or run_date < FIPS_140_2_END then return pass() end
    return fail { field = "custody.validation", observed = cited, expected = "a FIPS 140-3 certificate",
                  message = k.name .. " cites a FIPS 140-2 certificate" }
  end,
  tests = {
    { on = "keys.root", expect = "pass" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.custody.validation"] = "fips140-2-l3" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.validation"] = "fips140-2-l3" }, date = "2026-09-21",
      expect = "pass" },
    { on = "keys.root", set = { ["keys.root.custody.validation"] = "fips140-2-l3" }, date = "2026-09-22",
      expect = "fail" },
  },
}

-- A backup whose key is one of its source's keys, or stands above one, is REST-3's finding.
local function shares_with_source(s, k)
  for _, source in ipairs(s.sources) do
    for _, used in ipairs(source.used_keys) do
      for _, link in ipairs(key_chain(used)) do
        if link.id == k.id then return true end
      end
    end
  end
  return false
end

-- What one store uses a key for, added to uses.
local function add_store_uses(uses, s, k)
  if volume_of(s).key == k.name and not shares_with_source(s, k) then
    uses[is_backup(s) and "backups" or "volumes of " .. s.kind] = true
  end
  for _, entry in ipairs(fields_of(s)) do
    if entry.key == k.name then uses["fields"] = true end
  end
end

rule {
  id = "KEY-ONE-PURPOSE",
  title = "Key serves more than one purpose",
  severity = "medium",
  source = { "KEY-1", "KEY-2", "KEY-3", "KEY-4", "STORE-2" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "One key in two systems turns the compromise of either into the compromise of both.",
  fix = "Give each use a key of its own.",
  check = function(k)
    local uses = {}
    for _, s in ipairs(k.protects) do
      if s.section == "stores" then add_store_uses(uses, s, k) else uses["connections"] = true end
    end
    if #k.children > 0 then uses["other keys"] = true end
    local names = {}
    for name in pairs(uses) do table.insert(names, name) end
    if #names == 0 then return na("nothing uses it: see PLAN-UNUSED-KEY") end
    if #names == 1 then return pass() end
    table.sort(names)
    return fail { field = "purpose", observed = and_list(names), expected = "one of them",
                  message = k.name .. " protects " .. and_list(names) }
  end,
  tests = {
    { on = "keys.root", expect = "pass" },
    { on = "keys.record", expect = "pass" },
    { on = "keys.volume", set = { ["stores.search.at_rest.volume.key"] = "volume" }, expect = "fail" },
    { on = "keys.root", set = { ["stores.audit.at_rest.volume.key"] = "root" }, expect = "fail" },
    { on = "keys.audit", set = { ["stores.files.at_rest.volume.key"] = "audit" }, expect = "pass" },
    { on = "keys.backup", set = { ["stores.audit.at_rest.volume.key"] = "backup" }, expect = "fail" },
    { on = "keys.volume", set = { ["stores.backups.at_rest.volume.key"] = "volume" }, expect = "pass" },
    { on = "keys.root", set = { ["stores.backups.at_rest.volume.key"] = "root" }, expect = "pass" },
    { on = "keys.search", set = { ["stores.search.at_rest.volume.key"] = "<absent>" }, expect = "n/a" },
  },
}

rule {
  id = "KEY-SEPARATE",
  title = "Key is kept beside the data it opens",
  severity = "critical",
  source = { "KEYSTORE-2", "MISTAKE-2" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "Whoever takes the store then takes the key with it.",
  fix = "Keep the key in another system with its own principals; wrap an envelope key under one.",
  check = function(k)
    local why = kept_in_the_open(k)
    if why then return na(why) end
    if is_envelope(k) and not k.wrapped_by then
      return fail { field = "wrapped_by", observed = "none", expected = "a key of a key service",
                    message = k.name .. " lies beside its data and nothing wraps it" }
    end
    local provider = keeper_of(k).custody.provider
    for _, s in ipairs(k.protects) do
      -- REST-3 compares the accounts of a key and of the backups; a plan says no account of a store.
      if s.section == "stores" and (s.kind == provider or s.host == provider) then
        return fail { field = "custody.provider", observed = provider, expected = "another system than " .. s.id,
                      message = k.name .. " is kept in " .. provider .. ", and so is " .. s.name
                        .. " that it opens" }
      end
    end
    return pass()
  end,
  tests = {
    { on = "keys.root", expect = "pass" },
    { on = "keys.record", expect = "pass" },
    { on = "keys.record", set = { ["keys.record.wrapped_by"] = "<absent>" }, expect = "fail" },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "secrets-manager",
                                 ["stores.audit.kind"] = "secrets-manager" }, expect = "fail" },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "vault" }, expect = "pass" },
    { on = "keys.audit", set = { ["keys.audit.custody.provider"] = "vault", ["stores.audit.host"] = "vault" },
      expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "env" }, expect = "n/a" },
  },
}

-- Names by which clouds mean everybody, or everybody in the account.
local EVERYBODY = {
  allusers = true, allauthenticatedusers = true, everyone = true, everybody = true, anyone = true,
  all = true, public = true, root = true,
}

local function is_everybody(name)
  local small = str.lower(name)
  return str.find(small, "*") or EVERYBODY[small] or str.ends(small, ":root")
end

rule {
  id = "KEY-PRINCIPALS",
  title = "Key may be used by more than the roles that need it",
  severity = "high",
  source = { "KEYSTORE-3" },
  subjects = { "keys" },
  decided = { "plan", "live" },
  why = "Every further principal is another way to the key.",
  fix = "List the roles by name in access.principals, five at most, without * or a whole account.",
  check = function(k)
    local why = follows_another(k)
    if why then return na(why) end
    local names = k.access and k.access.principals or {}
    if #names == 0 then
      return fail { field = "access.principals", observed = "none", expected = "the roles that need it",
                    message = "nothing says who may use " .. k.name }
    end
    for _, name in ipairs(names) do
      if is_everybody(name) then
        return fail { field = "access.principals", observed = name, expected = "roles by name",
                      message = k.name .. " may be used by " .. name }
      end
    end
    if #names <= PRINCIPALS_MOST then return pass() end
    return fail { field = "access.principals", observed = tostring(#names), expected = "at most " .. PRINCIPALS_MOST,
                  message = k.name .. " may be used by " .. #names .. " principals" }
  end,
  -- Expected are those that the plan names, and its services, which apply lets in by their data.
  live = function(k)
    if not is_redoubts(k) then return na("no probe of its key service") end
    local expected, more = {}, {}
    for _, name in ipairs(k.access.principals) do
      local parts = str.split(name, "/")
      expected[parts[#parts]] = true
    end
    for _, name in ipairs(seen(k, "key.policy").use) do
      if not expected[name] and not get("services." .. name) then table.insert(more, name) end
    end
    if #more == 0 then return pass(3) end
    return fail { field = "access.principals", observed = and_list(more), expected = "those that the plan names",
                  message = k.name .. " may be used by " .. and_list(more) .. ", whom the plan does not name" }
  end,
  tests = {
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "unobserved" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "pass",
      facts = { ["keys.root"] = { ["key.policy"] = { use = { "api", "field-crypto" } } } } },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["keys.root"] = { ["key.policy"] = { use = { "field-crypto", "intern" } } } } },
    { on = "keys.root", expect = "pass" },
    { on = "keys.files", expect = "pass" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.edge-cert", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.access.principals"] = "<absent>" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.access.principals"] = { "role/*" } }, expect = "fail" },
    { on = "keys.root", expect = "fail",
      set = { ["keys.root.access.principals"] = { "role/field-crypto", "arn:aws:iam::111111111111:root" } } },
    { on = "keys.root", set = { ["keys.root.access.principals"] = { "allAuthenticatedUsers" } }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.access.principals"] = { "role/rooted" } }, expect = "pass" },
    { on = "keys.root", set = { ["keys.root.access.principals"] =
      { "role/a", "role/b", "role/c", "role/d", "role/e", "role/f" } }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.access.principals"] =
      { "role/a", "role/b", "role/c", "role/d", "role/e" } }, expect = "pass" },
  },
}
