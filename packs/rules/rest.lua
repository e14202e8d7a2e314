-- rest.lua - encryption at rest: volumes, fields, backups, what spills to disk, environments.
--
-- Who owns which defect of a store (one defect, one finding):
--   volume missing or none                  REST-1, of a backup BACKUP-LEVEL
--   volume weak or below the floor          REST-ALG, of a backup BACKUP-LEVEL
--   volume key built in, or none            KEYSTORE-2
--   critical, PII or PHI without fields     REST-2 on the store that holds it, never on its backup
--   card numbers, card authentication data  PAN-STORED, PAN-DISK-ONLY, SAD-STORED (data.lua)
--   passwords                               HASH-PASSWORD (data.lua)

rule {
  id = "REST-1",
  title = "Store is not encrypted at rest",
  severity = "high",
  source = { "REST-1", "CLASS-2", "STORE-1", "STORE-3", "STORE-5", "STORE-6", "STORE-7" },
  subjects = { "stores" },
  decided = { "plan", "live" },
  why = "A stolen disk or snapshot is readable by whoever holds it.",
  fix = "Turn on volume encryption with the key named in at_rest.volume.",
  check = function(s)
    if is_external_store(s) then return na("kept by a processor: see THIRD-PARTY-EVIDENCE") end
    if is_endpoints(s) then return na("endpoints: see ENDPOINT-FDE") end
    if is_backup(s) then return na("a backup: see BACKUP-LEVEL") end
    local algorithm = volume_of(s).algorithm
    if algorithm ~= nil and algorithm ~= "none" then return pass() end
    return fail {
      field = "at_rest.volume.algorithm", observed = algorithm or "nothing said",
      expected = s.effective and floor(s.effective).volume or "an algorithm",
      severity = by_level("high", s.effective),
      message = s.name .. " is not encrypted at rest",
    }
  end,
  live = disk_verdict,
  tests = {
    { on = "stores.db", expect = "unobserved" },
    { on = "stores.stripe", expect = "n/a" },
    { on = "stores.laptops", expect = "n/a" },
    { on = "stores.backups", expect = "n/a" },
    { on = "stores.db", expect = "fail",
      set = { ["stores.db.at_rest.volume.algorithm"] = "none" } },
    { on = "stores.db", set = { ["stores.db.at_rest.volume"] = "<absent>" }, expect = "fail" },
    { on = "stores.db", set = { ["stores.db.at_rest"] = "<absent>" }, expect = "fail" },
    { on = "stores.db", expect = "pass",
      facts = { ["stores.db"] = { ["host.disk"] = { encrypted = "yes", path = "/data" } } } },
    { on = "stores.db", expect = "drift",
      facts = { ["stores.db"] = { ["host.disk"] = { encrypted = "no", path = "/data" } } } },
    { on = "stores.db", expect = "unknown",
      facts = { ["stores.db"] = { ["host.disk"] = { encrypted = "unknown", path = "/data", why = "an overlay" } } } },
  },
}

rule {
  id = "REST-2",
  title = "Sensitive fields are protected by the volume alone",
  severity = "critical",
  source = { "REST-2", "CLASS-1", "MISTAKE-1", "STORE-2", "MED-1", "MED-3" },
  subjects = { "stores" },
  decided = { "plan", "live" },
  why = "A volume is open to everything that can query it: SQL injection, a stolen session, an insider.",
  fix = "Add the data to at_rest.fields with an envelope key, or store it hashed, tokenised or encrypted by the client.",
  check = function(s)
    if is_external_store(s) then return na("kept by a processor: see THIRD-PARTY-EVIDENCE") end
    -- Endpoints too: ENDPOINT-FDE speaks of a lost laptop, not of what runs on one that is in use.
    -- A backup copies what its sources hold, encrypted fields included: a hole is the source's.
    if is_backup(s) and #held(s) == 0 then return na("a backup: its sources are judged") end
    local names, critical = uncovered(s, held(s))
    if #names == 0 then return pass() end
    return fail {
      field = "at_rest.fields", observed = "volume encryption only",
      expected = "a fields entry for " .. and_list(names),
      severity = critical and "critical" or "high",
      message = s.name .. " holds " .. and_list(names) .. " under volume encryption only",
    }
  end,
  -- PG-8: only where somebody named the columns; what a plan calls a field is no column yet.
  live = function(s)
    local columns, total, unread = also_seen(s, "pg.fields"), 0, {}
    if columns == nil or next(columns) == nil then return pass() end
    local clear = {}
    for name, c in pairs(columns) do
      if c.why or c.n == nil then table.insert(unread, name)
      elseif c.plain > 0 then table.insert(clear, name)
      else total = total + c.n end
    end
    table.sort(clear)
    table.sort(unread)
    if #clear > 0 then
      return fail { observed = "values that are not encrypted", expected = "encrypted values only",
                    message = and_list(clear) .. " of " .. s.name .. " has values that are not encrypted" }
    end
    if #unread > 0 then return unknown("not looked at: " .. and_list(unread) .. ": " .. (columns[unread[1]].why or "no count")) end
    if total == 0 then return unknown("the sample of its columns has no value") end
    seen(s, "pg.fields")
    return pass(3)
  end,
  tests = {
    { on = "stores.db", expect = "pass" },
    { on = "stores.audit", expect = "pass" },
    { on = "stores.backups", expect = "n/a" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.fields"] = { ["a.b.c"] = { n = 9, plain = 0 } } } }, expect = "pass" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.fields"] = { ["a.b.c"] = { n = 9, plain = 1 } } } }, expect = "drift" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.fields"] = { ["a.b.c"] = { n = 0, plain = 0 } } } }, expect = "unknown" },
    { on = "stores.db", facts = { ["stores.db"] = { ["pg.fields"] = { ["a.b.c"] = { n = 9, plain = 0 }, ["a.b.d"] = { why = "denied" } } } },
      expect = "unknown" },
    { on = "stores.db", set = { ["stores.db.at_rest.fields"] = "<absent>" }, expect = "fail" },
    { on = "stores.files", expect = "fail",
      set = { ["stores.files.at_rest.fields"] = "<absent>" } },
    { on = "stores.files", expect = "pass",
      set = { ["stores.files.at_rest.fields"] = "<absent>", ["data.patient.form"] = { client_side = true } } },
    { on = "stores.files", expect = "pass",
      set = { ["stores.files.at_rest.fields"] = "<absent>", ["data.patient.form"] = { tokenised = "a vault" } } },
    { on = "stores.files", expect = "pass",
      set = { ["stores.files.at_rest.fields"] = "<absent>", ["data.patient.synthetic"] = true } },
    { on = "stores.files", expect = "fail",
      set = { ["stores.files.at_rest.fields"] = "<absent>", ["data.patient.form"] = { delegated = "stripe" } } },
    { on = "stores.audit", set = { ["data.log.level"] = "critical" }, expect = "fail" },
    { on = "stores.audit", set = { ["data.log.raise_to"] = "critical" }, expect = "fail" },
    { on = "stores.audit", set = { ["data.log.kinds"] = { "log", "pii" } }, expect = "fail" },
    { on = "stores.backups", set = { ["stores.backups.holds"] = { "account" } }, expect = "fail" },
    { on = "stores.laptops", expect = "pass" },
    { on = "stores.laptops", set = { ["stores.laptops.holds"] = { "patient" } }, expect = "fail" },
    { on = "stores.laptops", set = { ["data.event.kinds"] = { "pii" } }, expect = "fail" },
    -- Being a credential as well makes a record no less personal.
    { on = "stores.audit", set = { ["data.log.kinds"] = { "credential", "phi" } }, expect = "fail" },
  },
}

local function field_fault(entry, critical_floor)
  local algorithm = entry.algorithm
  if AEAD_FIELD[algorithm] then return nil end
  if WEAK_ALWAYS[algorithm] or str.ends(algorithm, "-ecb") then return "is broken" end
  if str.ends(algorithm, "-cbc") then return "is not authenticated" end
  if critical_floor ~= "provider-default" then return "is below the floor" end
  return nil
end

-- Certificates, authorities and signing keys encrypt nothing: a store under one is under no key.
local function wrong_type(s, name, field)
  local k = key_of(name)
  if k == nil or k.type == "symmetric" or k.type == "asymmetric" then return nil end
  return fail {
    field = field, observed = "a key of type " .. k.type, expected = "a symmetric key",
    severity = by_level("high", s.effective),
    message = k.name .. " of " .. s.name .. " is a key of type " .. k.type .. ", which encrypts nothing",
  }
end

local function cannot_encrypt(s)
  local found = wrong_type(s, volume_of(s).key, "at_rest.volume.key")
  for i, entry in ipairs(fields_of(s)) do
    found = found or wrong_type(s, entry.key, "at_rest.fields." .. tostring(i - 1) .. ".key")
  end
  return found
end

-- How the names of algorithms begin that keys of each type can have.
local ALGORITHMS = {
  symmetric = { "aes-", "chacha20-", "3des", "des", "rc4" },
  hmac = { "hmac-" },
  asymmetric = { "rsa-", "ecdsa-", "ed25519", "x25519", "ml-" },
  ca = { "rsa-", "ecdsa-", "ed25519", "ml-dsa-" },
  certificate = { "rsa-", "ecdsa-", "ed25519", "ml-dsa-" },
  ssh = { "rsa-", "ecdsa-", "ed25519" },
}

local function fits_type(k)
  for _, start in ipairs(ALGORITHMS[k.type] or {}) do
    if str.starts(k.algorithm, start) then return true end
  end
  return false
end

local function weak_key(k)
  if not fits_type(k) then
    return fail {
      field = "algorithm", observed = k.algorithm, expected = "an algorithm for a " .. k.type .. " key",
      severity = by_level("high", k.effective),
      message = k.name .. " is said to be a " .. k.type .. " key of " .. k.algorithm .. ", which does not exist",
    }
  end
  local want = k.effective and floor(k.effective).volume or "provider-default"
  local short = SHORT_KEY[k.algorithm] and want ~= "provider-default"
  if not WEAK_ALWAYS[k.algorithm] and not short then return pass() end
  return fail {
    field = "algorithm", observed = k.algorithm, severity = by_level("high", k.effective),
    expected = short and "aes-256" or "an algorithm in current use",
    message = k.name .. " is an " .. k.algorithm .. " key" ..
      (short and ("; " .. k.effective .. " data (" .. k.effective_from .. ") needs AES-256") or
      ", which is broken"),
  }
end

rule {
  id = "REST-ALG",
  title = "Algorithm is weak or below the floor of the data",
  severity = "high",
  source = { "CLASS-1", "CLASS-2", "CLASS-3", "STORE-1", "STORE-2" },
  subjects = { "stores", "keys" },
  decided = { "plan" },
  why = "DES, 3DES, RC4 and ECB are broken; under an AES-256 floor a shorter key breaks what was promised.",
  fix = "Use AES-256-GCM for fields, AES-256 (XTS on disks) for volumes, AES-256 keys.",
  check = function(s)
    if s.section == "keys" then return weak_key(s) end
    if is_external_store(s) then return na("kept by a processor: see THIRD-PARTY-EVIDENCE") end
    if is_endpoints(s) then return na("endpoints: see ENDPOINT-FDE") end
    local want = s.effective and floor(s.effective).volume or "provider-default"
    local algorithm = volume_of(s).algorithm or "none"
    local no_cipher = cannot_encrypt(s)
    if no_cipher then return no_cipher end
    if algorithm ~= "none" and not is_backup(s) then
      local fault = volume_fault(algorithm, want)
      if fault then
        return fail {
          field = "at_rest.volume.algorithm", observed = algorithm, expected = want,
          severity = by_level("high", s.effective),
          message = "the volume of " .. s.name .. " uses " .. algorithm .. ", which " .. fault ..
            (s.effective_from and " of " .. s.effective .. " data (" .. s.effective_from .. ")" or ""),
        }
      end
    end
    for i, entry in ipairs(fields_of(s)) do
      local fault = field_fault(entry, want)
      if fault then
        return fail {
          field = "at_rest.fields." .. tostring(i - 1) .. ".algorithm", observed = entry.algorithm,
          expected = "aes-256-gcm", severity = by_level(fault == "is not authenticated" and "medium" or "high", s.effective),
          message = and_list(entry.data) .. " in " .. s.name .. " is encrypted with " ..
            entry.algorithm .. ", which " .. fault,
        }
      end
    end
    return pass()
  end,
  tests = {
    { on = "stores.db", expect = "pass" },
    { on = "keys.root", expect = "pass" },
    { on = "stores.stripe", expect = "n/a" },
    { on = "stores.db", expect = "fail",
      set = { ["stores.db.at_rest.volume.algorithm"] = "aes-128" } },
    { on = "stores.db", expect = "fail",
      set = { ["stores.db.at_rest.volume.algorithm"] = "3des" } },
    { on = "stores.db", expect = "fail",
      set = { ["stores.db.at_rest.volume.algorithm"] = "provider-default" } },
    { on = "stores.db", expect = "pass",
      set = { ["stores.db.at_rest.volume.algorithm"] = "none" } },
    { on = "stores.db", expect = "pass",
      set = { ["stores.db.at_rest.volume.algorithm"] = "aes-256-xts" } },
    { on = "stores.audit", expect = "pass",
      set = { ["data.log.level"] = "low", ["stores.audit.at_rest.volume.algorithm"] = "provider-default" } },
    { on = "stores.audit", expect = "fail",
      set = { ["data.log.level"] = "low", ["stores.audit.at_rest.volume.algorithm"] = "rc4" } },
    { on = "stores.search", expect = "fail",
      set = { ["stores.search.at_rest.fields"] = { { data = { "patient" }, algorithm = "aes-256-cbc", key = "record" } } } },
    { on = "stores.search", expect = "fail",
      set = { ["stores.search.at_rest.fields"] = { { data = { "patient" }, algorithm = "aes-128-gcm", key = "record" } } } },
    { on = "stores.search", expect = "fail",
      set = { ["stores.search.at_rest.fields"] = { { data = { "patient" }, algorithm = "aes-256-ecb", key = "record" } } } },
    { on = "stores.audit", set = { ["stores.audit.at_rest.volume.key"] = "edge-cert" }, expect = "fail" },
    { on = "stores.search", expect = "fail",
      set = { ["stores.search.at_rest.fields"] = { { data = { "patient" }, algorithm = "aes-256-gcm", key = "mesh-ca" } } } },
    { on = "keys.volume", set = { ["keys.volume.algorithm"] = "ed25519" }, expect = "fail" },
    { on = "keys.edge-cert", set = { ["keys.edge-cert.algorithm"] = "aes-256" }, expect = "fail" },
    { on = "keys.mesh-ca", set = { ["keys.mesh-ca.algorithm"] = "ml-dsa-65" }, expect = "pass" },
    { on = "keys.volume", set = { ["keys.volume.algorithm"] = "aes-128" }, expect = "fail" },
    { on = "keys.audit", set = { ["keys.audit.algorithm"] = "3des" }, expect = "fail" },
    { on = "keys.edge-cert", set = { ["keys.edge-cert.algorithm"] = "rsa-1024" }, expect = "fail" },
  },
}

rule {
  id = "REST-4",
  title = "Object store does not refuse uploads under another key",
  severity = "medium",
  source = { "REST-4", "STORE-3", "PATH-4", "MED-2" },
  subjects = { "stores" },
  decided = { "plan" },
  -- X12: providers encrypt every object by now; what is left to refuse is another key.
  why = "Default encryption lets a caller choose another key, or one that everybody can use.",
  fix = "Deny every put but with the named key and say so in enforce.deny_unencrypted_put; for critical data " ..
    "deny_insecure_transport too.",
  check = function(s)
    if not is_object_store(s) then return na("not an object store") end
    if rank_of(s) <= level_rank("low") then return na("holds no data above low") end
    local enforce = s.at_rest and s.at_rest.enforce or {}
    if not enforce.deny_unencrypted_put then
      return fail {
        field = "at_rest.enforce.deny_unencrypted_put", observed = "false", expected = "true",
        severity = by_level("medium", s.effective),
        message = "the policy of " .. s.name .. " does not refuse uploads under another key",
      }
    end
    -- For data below critical the flows to the store already say TLS; a policy is a second lock.
    if is_critical(s) and not enforce.deny_insecure_transport then
      return fail {
        field = "at_rest.enforce.deny_insecure_transport", observed = "false", expected = "true",
        message = "the policy of " .. s.name .. " does not refuse requests without TLS",
      }
    end
    return pass()
  end,
  tests = {
    { on = "stores.files", expect = "pass" },
    { on = "stores.backups", expect = "pass" },
    { on = "stores.db", expect = "n/a" },
    { on = "stores.files", expect = "fail",
      set = { ["stores.files.at_rest.enforce.deny_unencrypted_put"] = false } },
    { on = "stores.files", expect = "fail",
      set = { ["stores.files.at_rest.enforce"] = "<absent>" } },
    { on = "stores.files", expect = "fail",
      set = { ["stores.files.at_rest.enforce.deny_insecure_transport"] = "<absent>" } },
    { on = "stores.audit", expect = "pass",
      set = { ["stores.audit.at_rest.enforce.deny_insecure_transport"] = "<absent>" } },
  },
}
