-- backup.lua - backups: a key apart from production, protection like that of the sources, rehearsal.
-- Who owns which defect is at the top of rest.lua.

-- The account a key is kept in; two keys of one account fall together.
local function same_account(a, b)
  a, b = keeper_of(a), keeper_of(b)
  if a.custody.provider ~= b.custody.provider then return false end
  -- Without an account they cannot be told apart, and what cannot be told apart is not separate.
  if a.custody.account == nil or b.custody.account == nil then return true end
  return a.custody.account == b.custody.account
end

-- The first of the backup's sources whose keys, or keys above them, open the backup key too.
local function shared_with(s, key)
  local chain = {}
  for _, k in ipairs(key_chain(key)) do chain[k.name] = true end
  for _, source in ipairs(s.sources) do
    for _, used in ipairs(source.used_keys) do
      for _, k in ipairs(key_chain(used)) do
        if chain[k.name] then return source, k end
      end
    end
  end
  return nil
end

-- The first of the sources that has a key in the account of the backup key.
local function same_account_as(s, key)
  for _, source in ipairs(s.sources) do
    for _, used in ipairs(source.used_keys) do
      if same_account(key, used) then return source, keeper_of(used) end
    end
  end
  return nil
end

rule {
  id = "REST-3",
  title = "Backup is under the key of what it backs up",
  severity = "high",
  source = { "REST-3", "STORE-4", "MISTAKE-4", "MED-5" },
  subjects = { "stores" },
  decided = { "plan" },
  why = "Whoever gets the production key opens the backups too; whoever destroys it destroys both.",
  fix = "Give backups a key of their own, for critical data in another account.",
  check = function(s)
    if not is_backup(s) then return na("not a backup") end
    local key = key_of(volume_of(s).key)
    if key == nil then return na("no key of its own: see KEYSTORE-2") end
    local source, shared = shared_with(s, key)
    if source then
      return fail {
        field = "at_rest.volume.key", observed = key.name, expected = "a key that no source uses",
        severity = by_level("high", s.effective),
        message = s.name .. " is encrypted under " .. shared.name .. ", which " .. source.name ..
          " uses as well",
      }
    end
    if not is_critical(s) then return pass() end
    local from, other = same_account_as(s, key)
    if from then
      return fail {
        field = "at_rest.volume.key", observed = key.custody.account or "no account given",
        expected = "another account than " .. (other.custody.account or "its sources'"),
        message = key.name .. " is kept in the same account as " .. other.name .. " of " .. from.name,
      }
    end
    return pass()
  end,
  tests = {
    { on = "stores.backups", expect = "pass" },
    { on = "stores.db", expect = "n/a" },
    { on = "stores.backups", expect = "fail",
      set = { ["stores.backups.at_rest.volume.key"] = "volume" } },
    { on = "stores.backups", expect = "fail",
      set = { ["stores.backups.at_rest.volume.key"] = "files" } },
    { on = "stores.backups", set = { ["keys.backup.wrapped_by"] = "volume" }, expect = "fail" },
    { on = "stores.backups", expect = "fail",
      set = { ["stores.backups.at_rest.volume.key"] = "root" } },
    { on = "stores.backups", set = { ["keys.backup.wrapped_by"] = "root" }, expect = "fail" },
    -- The account of the keys of fields counts as well as that of the volume.
    { on = "stores.backups", expect = "fail",
      set = { ["keys.volume.custody.account"] = "999999999999", ["keys.files.custody.account"] = "999999999999",
              ["keys.search.custody.account"] = "999999999999", ["keys.backup.custody.account"] = "111111111111" } },
    { on = "stores.backups", expect = "fail",
      set = { ["keys.backup.custody.account"] = "111111111111" } },
    { on = "stores.backups", expect = "fail",
      set = { ["keys.backup.custody.account"] = "<absent>" } },
    { on = "stores.backups", expect = "n/a",
      set = { ["stores.backups.at_rest.volume.key"] = "provider-default" } },
  },
}

rule {
  id = "BACKUP-LEVEL",
  title = "Backup is protected less than what it copies",
  severity = "critical",
  source = { "INV-9", "MISTAKE-4", "GAP-1" },
  subjects = { "stores" },
  decided = { "plan", "live" },
  why = "The dump is the database: whoever reads it needs no other way in.",
  fix = "Encrypt the backup as its sources are, fields included.",
  check = function(s)
    if not is_backup(s) then return na("not a backup") end
    if is_external_store(s) then return na("kept by a processor: see THIRD-PARTY-EVIDENCE") end
    local algorithm = volume_of(s).algorithm or "none"
    local want = s.effective and floor(s.effective).volume or "provider-default"
    local fault = algorithm == "none" and "is not encrypted" or nil
    if fault == nil and volume_fault(algorithm, want) then fault = "is encrypted with " .. algorithm end
    if fault then
      return fail {
        field = "at_rest.volume.algorithm", observed = algorithm, expected = want,
        severity = by_level("critical", s.effective),
        message = s.name .. " " .. fault .. (s.effective_from and "; it copies " .. s.effective ..
          " data (" .. s.effective_from .. ")" or ""),
      }
    end
    -- Fields that a source encrypts come encrypted. A processor's store is not judged by REST-2, so
    -- what a copy of it holds in clear is the backup's to answer for.
    for _, source in ipairs(s.sources) do
      if is_external_store(source) then
        local names = uncovered(s, held(source))
        if #names > 0 then
          return fail {
            field = "at_rest.fields", observed = "volume encryption only",
            expected = "a fields entry for " .. and_list(names),
            message = s.name .. " copies " .. and_list(names) .. " out of " .. source.name ..
              " under volume encryption only",
          }
        end
      end
    end
    return pass()
  end,
  live = disk_verdict,
  tests = {
    { on = "stores.backups", expect = "unobserved" },
    { on = "stores.db", expect = "n/a" },
    { on = "stores.backups", expect = "fail",
      set = { ["stores.backups.at_rest.volume.algorithm"] = "none" } },
    { on = "stores.backups", expect = "fail",
      set = { ["stores.backups.at_rest.volume"] = "<absent>" } },
    { on = "stores.backups", expect = "fail",
      set = { ["stores.backups.at_rest.volume.algorithm"] = "provider-default" } },
    { on = "stores.backups", expect = "fail",
      set = { ["stores.backups.at_rest.volume.algorithm"] = "aes-128" } },
    { on = "stores.backups", expect = "fail",
      set = { ["stores.backups.backup_of"] = { "db", "files", "search", "stripe" }, ["stores.stripe.holds"] = { "account" } } },
    { on = "stores.backups", expect = "drift",
      facts = { ["stores.backups"] = { ["host.disk"] = { encrypted = "no", path = "/backup" } } } },
  },
}

-- MED-5: a restore drill is the rehearsed emergency use of the backup's key. KEY-BREAKGLASS asks
-- who has to agree; when it was last rehearsed is asked here for the key of a backup.
RESTORE_DRILL_DAYS = 90

local function sensitive_backup(k)
  for _, s in ipairs(k.protects) do
    if is_backup(s) and at_least_high(s) and volume_of(s).key == k.name then return s end
  end
  return nil
end

rule {
  id = "BACKUP-RESTORE",
  title = "Restoring with this key was not rehearsed in time",
  severity = "medium",
  source = { "MED-5", "INV-9" },
  subjects = { "keys" },
  decided = { "plan", "live", "human" },
  why = "A backup whose key nobody can reach in an emergency is lost data.",
  fix = "Rehearse a restore every 90 days: redoubt seal drill --record, with keys.NAME.drill in the targets; or note the day under access.break_glass.tested.",
  -- Judged on the key, which holds the date: several backups under it are one drill.
  check = function(k)
    local s = sensitive_backup(k)
    if s == nil then return na("encrypts no backup of critical or high data") end
    local glass = k.access and k.access.break_glass
    if glass == nil and is_critical(s) then return na("no emergency access: see KEY-BREAKGLASS") end
    glass = glass or {}
    if glass.tested_every ~= nil and glass.tested_every > RESTORE_DRILL_DAYS then
      return fail {
        field = "access.break_glass.tested_every", observed = days(glass.tested_every),
        expected = days(RESTORE_DRILL_DAYS),
        message = "a restore of " .. s.name .. " is rehearsed every " .. days(glass.tested_every) .. " only",
      }
    end
    local every = glass.tested_every or RESTORE_DRILL_DAYS
    -- What a drill recorded goes before what somebody wrote down: see below.
    if also_seen(k, "seal.drill") then return pass() end
    if within_days(glass.tested, every) then return pass() end
    return fail {
      field = "access.break_glass.tested", observed = date_or(glass.tested, "never"),
      expected = date(run_date - every) .. " or later",
      message = "a restore of " .. s.name .. " with " .. k.name .. " was " ..
        (glass.tested and "last rehearsed on " .. date(glass.tested) or "never rehearsed"),
    }
  end,
  live = function(k)
    if not also_seen(k, "seal.drill") then return na("no restore drill is recorded") end
    local drill = seen(k, "seal.drill")
    local every = k.access and k.access.break_glass and k.access.break_glass.tested_every or RESTORE_DRILL_DAYS
    if drill.recorded and drill.passed and within_days(drill.last, every) then return pass(4) end
    return fail {
      field = "access.break_glass.tested", observed = drill.recorded and date(drill.last) or "no drill that counts",
      expected = date(run_date - every) .. " or later",
      message = not drill.recorded and "no restore drill of " .. k.name .. " counts: " .. drill.why
        or not drill.passed and "the last restore drill of " .. k.name .. ", on " .. date(drill.last) .. ", failed"
        or "the last restore drill of " .. k.name .. " was on " .. date(drill.last),
    }
  end,
  tests = {
    { on = "keys.backup", expect = "pass" },
    { on = "keys.volume", expect = "n/a" },
    { on = "keys.backup", expect = "fail",
      set = { ["keys.backup.access.break_glass.tested"] = "2026-08-25" } },
    { on = "keys.backup", expect = "pass",
      set = { ["keys.backup.access.break_glass.tested"] = "2026-08-26" } },
    { on = "keys.backup", expect = "fail",
      set = { ["keys.backup.access.break_glass.tested"] = "2027-01-01" } },
    { on = "keys.backup", expect = "fail",
      set = { ["keys.backup.access.break_glass.tested"] = "<absent>" } },
    { on = "keys.backup", expect = "n/a",
      set = { ["keys.backup.access.break_glass"] = "<absent>" } },
    { on = "keys.backup", expect = "fail",
      set = { ["keys.backup.access.break_glass.tested_every"] = "180d" } },
    { on = "keys.backup", expect = "fail",
      set = { ["keys.backup.access.break_glass.tested_every"] = "30d" } },
    { on = "keys.backup", set = { ["keys.backup.access.break_glass.tested"] = "<absent>" }, expect = "pass",
      facts = { ["keys.backup"] = { ["seal.drill"] = { recorded = true, passed = true, last = 20691 } } } },
    { on = "keys.backup", expect = "drift",
      facts = { ["keys.backup"] = { ["seal.drill"] = { recorded = true, passed = true, last = 20690 } } } },
    { on = "keys.backup", expect = "drift",
      facts = { ["keys.backup"] = { ["seal.drill"] = { recorded = true, passed = false, last = 20781 } } } },
    { on = "keys.backup", expect = "drift",
      facts = { ["keys.backup"] = { ["seal.drill"] = { recorded = false, why = "signed by nobody" } } } },
  },
}
