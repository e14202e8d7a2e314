-- Rotation and retirement of keys.
--
-- How a key turns is judged by exactly one of three rules:
--   how: auto, and its keeper cannot     ROTATE-UNSUPPORTED
--   how: manual, and its keeper could    ROTATE-1
--   how: manual, and its keeper cannot   ROTATE-REHEARSED
-- How often is KEY-FLOOR-ROTATION's. Of retire, a missing block is RETIRE-WAIT's alone.

local REHEARSED_WITHIN = 365 -- days
local OVERDUE_AFTER = 7      -- days of grace after rotation.every
local WAIT_LEAST = 30        -- days
local AWS_LEAST = 90         -- days; AWS KMS takes 90 to 2560

-- provider -> types that it replaces by itself. What is not here turns by hand.
local AUTO = {
  ["aws-kms"] = { symmetric = true },
  ["gcp-kms"] = { symmetric = true },
  ["azure-key-vault"] = { symmetric = true, asymmetric = true, certificate = true },
  vault = { symmetric = true, asymmetric = true, hmac = true, certificate = true },
  redoubt = { symmetric = true, certificate = true },
  ["secrets-manager"] = { symmetric = true, hmac = true },
  istio = { ca = true, certificate = true },
  acm = { certificate = true },
  ["lets-encrypt"] = { certificate = true },
  ["os-managed"] = { symmetric = true },
  ["provider-default"] = { symmetric = true, certificate = true },
}

local function can_turn_itself(k)
  local types = AUTO[k.custody.provider]
  return types ~= nil and types[k.type] == true
end

-- Why the way a key turns is not judged, or nil.
local function turns_with_another(k)
  if is_envelope(k) then return "an envelope key turns with its parent" end
  return kept_in_the_open(k)
end

-- A procedure on a site of its own cannot be looked at from here.
local function is_there(procedure)
  return str.starts(procedure, "https://") or file_exists(procedure)
end

-- PLAN-FORMAT 2: a manual rotation is as good as an automatic one when it is written down and
-- somebody has gone through it within the year.
local function rehearsed(k)
  local r = k.rotation
  if not r.procedure then
    return fail { field = "rotation", observed = "manual, no procedure", expected = "procedure and tested",
                  message = k.name .. " is turned by hand and nothing says how" }
  end
  if not within_days(r.tested, REHEARSED_WITHIN) then
    return fail { field = r.tested and "rotation.tested" or "rotation", observed = date_or(r.tested, "never"),
                  expected = "within " .. days(REHEARSED_WITHIN),
                  message = "turning " .. k.name .. " by hand was last rehearsed: " .. date_or(r.tested, "never") }
  end
  if not is_there(r.procedure) then
    return fail { field = "rotation.procedure", observed = "no such file: " .. r.procedure, expected = "a file",
                  message = "the procedure that turns " .. k.name .. " is missing" }
  end
  return pass()
end

rule {
  id = "ROTATE-1",
  title = "Key is turned by hand, though its service could, without a rehearsed procedure",
  severity = "medium",
  source = { "ROTATE-1" },
  subjects = { "keys" },
  decided = { "plan", "live" },
  why = "A rotation that waits for a person is the one that is forgotten.",
  fix = "Set rotation.how: auto (AWS KMS takes any period from 90 days), or write the procedure down and rehearse it yearly.",
  check = function(k)
    local why = turns_with_another(k)
    if why then return na(why) end
    if k.rotation.how == "auto" then
      if can_turn_itself(k) then return pass() end
      return na("see ROTATE-UNSUPPORTED")
    end
    if not can_turn_itself(k) then return na("its service cannot turn it: see ROTATE-REHEARSED") end
    -- X10: the template asks for automatic rotation and plans 90 days by hand in the same breath.
    return rehearsed(k)
  end,
  live = function(k)
    if k.rotation.how ~= "auto" or not is_redoubts(k) then return na("no probe of its key service") end
    local every = seen(k, "key.rotated").every
    local most = math.max(k.rotation.every, AWS_LEAST)
    if every > 0 and every <= most then return pass(3) end
    return fail { field = "rotation.every", observed = every > 0 and days(every) or "by hand",
                  expected = "every " .. days(most),
                  message = "the key service turns " .. k.name .. " "
                    .. (every > 0 and "every " .. days(every) or "only by hand") }
  end,
  tests = {
    { on = "keys.volume", set = { ["keys.volume.custody.provider"] = "redoubt" }, expect = "unobserved" },
    { on = "keys.volume", set = { ["keys.volume.custody.provider"] = "redoubt" }, expect = "pass",
      facts = { ["keys.volume"] = { ["key.rotated"] = { last = 20000, every = 90 } } } },
    { on = "keys.volume", set = { ["keys.volume.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["keys.volume"] = { ["key.rotated"] = { last = 20000, every = 365 } } } },
    { on = "keys.volume", set = { ["keys.volume.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["keys.volume"] = { ["key.rotated"] = { last = 20000, every = 0 } } } },
    { on = "keys.volume", expect = "pass" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.volume", set = { ["keys.volume.rotation.how"] = "manual" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.rotation.tested"] = "2025-11-23" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.rotation.tested"] = "<absent>" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.rotation.procedure"] = "<absent>" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.rotation.procedure"] = "docs/gone.md" },
      files = { ["docs/gone.md"] = false }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.rotation.procedure"] = "https://wiki.healthy.example/rotate" },
      expect = "pass" },
    { on = "keys.volume", set = { ["keys.volume.type"] = "hmac" }, expect = "n/a" },
    { on = "keys.volume", set = { ["keys.volume.custody.provider"] = "env" }, expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.type"] = "asymmetric" }, expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.rotation.tested"] = "2025-11-24" }, expect = "pass" },
  },
}

rule {
  id = "ROTATE-OVERDUE",
  title = "Key is older than its rotation period",
  severity = "high",
  source = { "MISTAKE-3", "KEY-1", "KEY-5" },
  subjects = { "keys" },
  decided = { "plan", "live" },
  why = "A period that nobody keeps protects nothing.",
  fix = "Rotate now, then write the date into rotation.last.",
  check = function(k)
    if is_envelope(k) then return na("an envelope key turns with its parent") end
    local last, every = k.rotation.last, k.rotation.every
    if not last then return pass() end
    if last > run_date then
      return fail { field = "rotation.last", observed = date(last), expected = "a day that has been",
                    message = k.name .. " is said to have been turned on a day to come" }
    end
    local late = run_date - last - every
    if late <= OVERDUE_AFTER then return pass() end
    return fail { field = "rotation.last", observed = date(last), expected = "after " .. date(run_date - every),
                  message = k.name .. " was last turned on " .. date(last) .. " and turns every " .. days(every) }
  end,
  -- The service's own date; it may be later than the one that the plan remembers.
  live = function(k)
    local last = seen(k, "key.rotated").last
    if run_date - last - k.rotation.every <= OVERDUE_AFTER then return pass(3) end
    return fail { field = "rotation.every", observed = date(last), expected = "after " .. date(run_date - k.rotation.every),
                  message = k.name .. " was last turned on " .. date(last) .. " and turns every "
                    .. days(k.rotation.every) }
  end,
  tests = {
    { on = "keys.volume", expect = "unobserved" },
    { on = "keys.edge-cert", expect = "unobserved" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.volume", set = { ["keys.volume.rotation.last"] = "2026-08-19" }, expect = "unobserved" },
    { on = "keys.volume", set = { ["keys.volume.rotation.last"] = "2026-08-18" }, date = "2026-11-23",
      expect = "unobserved" },
    { on = "keys.volume", set = { ["keys.volume.rotation.last"] = "2026-08-18" }, date = "2026-11-24",
      expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.rotation.last"] = "2024-01-01" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.rotation.last"] = "2026-11-24" }, expect = "unobserved" },
    { on = "keys.volume", set = { ["keys.volume.rotation.last"] = "2026-11-25" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.rotation.last"] = "<absent>" }, expect = "unobserved" },
    { on = "keys.volume", expect = "pass", facts = { ["keys.volume"] = { ["key.rotated"] = { last = 20684, every = 90 } } } },
    { on = "keys.volume", expect = "drift", facts = { ["keys.volume"] = { ["key.rotated"] = { last = 20683, every = 90 } } } },
    { on = "keys.volume", expect = "unknown", facts = { ["keys.volume"] = { ["key.rotated"] = "<unknown> no answer" } } },
  },
}

rule {
  id = "ROTATE-UNSUPPORTED",
  title = "Automatic rotation is planned where it does not exist",
  severity = "medium",
  source = { "ROTATE-1" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "The plan says that it happens; the service never does it.",
  fix = "Set rotation.how: manual with a rehearsed procedure, or use a key type that the service turns.",
  check = function(k)
    local why = turns_with_another(k)
    if why then return na(why) end
    if k.rotation.how ~= "auto" then return na("turned by hand") end
    if not can_turn_itself(k) then
      return fail { field = "rotation.how", observed = "auto", expected = "manual",
                    message = k.custody.provider .. " does not turn keys of type " .. k.type .. " such as "
                      .. k.name }
    end
    if k.custody.provider == "aws-kms" and k.rotation.every < AWS_LEAST then
      return fail { field = "rotation.every", observed = days(k.rotation.every), expected = "at least "
                      .. days(AWS_LEAST),
                    message = "AWS KMS does not turn keys more often than every " .. days(AWS_LEAST) }
    end
    return pass()
  end,
  tests = {
    { on = "keys.volume", expect = "pass" },
    { on = "keys.edge-cert", expect = "pass" },
    { on = "keys.root", expect = "n/a" },
    { on = "keys.volume", set = { ["keys.volume.type"] = "asymmetric" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.type"] = "hmac" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.custody.provider"] = "aws-cloudhsm" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.rotation.every"] = "60d" }, expect = "fail" },
    { on = "keys.volume", set = { ["keys.volume.custody.provider"] = "vault",
                                  ["keys.volume.rotation.every"] = "60d" }, expect = "pass" },
    { on = "keys.volume", set = { ["keys.volume.custody.provider"] = "env" }, expect = "n/a" },
    { on = "keys.volume", set = { ["keys.volume.rotation.every"] = "89d" }, expect = "fail" },
  },
}

rule {
  id = "ROTATE-REHEARSED",
  title = "Rotation by hand was not rehearsed within a year",
  severity = "medium",
  source = { "ROTATE-2" },
  subjects = { "keys" },
  decided = { "plan", "human" },
  why = "A procedure that nobody has tried fails on the day it is needed.",
  fix = "Write it down, name it in rotation.procedure, go through it once a year and note the day in rotation.tested.",
  check = function(k)
    local why = turns_with_another(k)
    if why then return na(why) end
    if k.rotation.how ~= "manual" then return na("turned by its service") end
    if can_turn_itself(k) then return na("its service could turn it: see ROTATE-1") end
    return rehearsed(k)
  end,
  tests = {
    { on = "keys.root", expect = "n/a" },
    { on = "keys.volume", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "aws-cloudhsm" }, expect = "pass" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "aws-cloudhsm",
                                ["keys.root.rotation.tested"] = "2025-06-01" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "aws-cloudhsm",
                                ["keys.root.rotation.procedure"] = "<absent>" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.custody.provider"] = "env" }, expect = "n/a" },
  },
}

-- Whether a key is named under `fields` of a store.
local function encrypts_fields(k)
  for _, s in ipairs(k.protects) do
    if s.section == "stores" then
      for _, entry in ipairs(fields_of(s)) do
        if entry.key == k.name then return true end
      end
    end
  end
  return false
end

rule {
  id = "ROTATE-3",
  title = "Fields are encrypted directly under a key that has to be turned",
  severity = "medium",
  source = { "ROTATE-3", "LESSON-3", "STORE-2" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "When a key encrypts records directly, turning it means rewriting every record at once.",
  fix = "Encrypt records under a key of custody envelope that is wrapped_by this one.",
  check = function(k)
    if not encrypts_fields(k) then return na("no field is encrypted under it") end
    if k.wrapped_by then return pass() end
    if is_envelope(k) then return na("nothing wraps it: see KEY-SEPARATE") end
    return fail { field = "wrapped_by", observed = "none", expected = "a key above it",
                  message = k.name .. " encrypts fields itself; turning it means rewriting them all" }
  end,
  tests = {
    { on = "keys.record", expect = "pass" },
    { on = "keys.volume", expect = "n/a" },
    { on = "keys.root", set = { ["stores.search.at_rest.fields.1.key"] = "root" }, expect = "fail" },
    { on = "keys.record", set = { ["keys.record.wrapped_by"] = "<absent>" }, expect = "n/a" },
  },
}

-- Why retirement does not apply to a key, or nil.
local function no_retirement(k)
  if is_envelope(k) then return "an envelope key ends with its parent" end
  if k.type == "certificate" then return "a certificate ends by itself" end
  if BUILTIN_KEYS[k.custody.provider] then return "its provider retires it" end
  return kept_in_the_open(k)
end

rule {
  id = "ROTATE-VERSIONS",
  title = "Old version of a key is destroyed when it is turned",
  severity = "high",
  source = { "ROTATE-4" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "Data under the old version cannot be read once that version is gone.",
  fix = "Remove retire.destroy_on_rotate; let a version go only when no data is left under it.",
  check = function(k)
    local why = no_retirement(k)
    if why then return na(why) end
    if not (k.retire and k.retire.destroy_on_rotate) then return pass() end
    return fail { field = "retire.destroy_on_rotate", observed = "true", expected = "false",
                  message = "turning " .. k.name .. " destroys the version that data is still under" }
  end,
  tests = {
    { on = "keys.root", expect = "pass" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.edge-cert", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.retire.destroy_on_rotate"] = true }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.retire.destroy_on_rotate"] = false }, expect = "pass" },
  },
}

rule {
  id = "RETIRE-WAIT",
  title = "Key is destroyed without a wait of 30 days",
  severity = "high",
  source = { "RETIRE-1" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "Destroying a key destroys the data under it; the wait is the time to notice.",
  fix = "Set retire.wait to 30d or longer.",
  check = function(k)
    local why = no_retirement(k)
    if why then return na(why) end
    if not k.retire or not k.retire.wait then
      return fail { field = k.retire and "retire", observed = "no waiting period",
                    expected = "wait: " .. days(WAIT_LEAST),
                    message = "nothing says how " .. k.name .. " ends" }
    end
    if k.retire.wait >= WAIT_LEAST then return pass() end
    return fail { field = "retire.wait", observed = days(k.retire.wait), expected = "at least " .. days(WAIT_LEAST),
                  message = k.name .. " is destroyed after " .. days(k.retire.wait) }
  end,
  tests = {
    { on = "keys.root", expect = "pass" },
    { on = "keys.record", expect = "n/a" },
    { on = "keys.edge-cert", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.retire.wait"] = "7d" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.retire.wait"] = "<absent>" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.retire"] = "<absent>" }, expect = "fail" },
  },
}

-- These sign or authenticate; no data at rest is left under them.
local ENCRYPTS_NOTHING = { ca = true, hmac = true, ssh = true }

rule {
  id = "RETIRE-USED",
  title = "Key may be destroyed with data still under it",
  severity = "high",
  source = { "RETIRE-2" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "What is still under the key is lost with it.",
  fix = "Set retire.reencrypt: required.",
  check = function(k)
    local why = no_retirement(k)
    if why then return na(why) end
    if ENCRYPTS_NOTHING[k.type] then return na("a key of type " .. k.type .. " encrypts nothing") end
    if not k.retire then return na("no retire block: see RETIRE-WAIT") end
    if k.retire.reencrypt == "required" then return pass() end
    return fail { field = k.retire.reencrypt and "retire.reencrypt" or "retire",
                  observed = k.retire.reencrypt or "not said", expected = "required",
                  message = k.name .. " may be destroyed with data still under it" }
  end,
  tests = {
    { on = "keys.root", expect = "pass" },
    { on = "keys.mesh-ca", expect = "n/a" },
    { on = "keys.edge-cert", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.retire.reencrypt"] = "none" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.retire.reencrypt"] = "<absent>" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.retire"] = "<absent>" }, expect = "n/a" },
  },
}

rule {
  id = "RETIRE-APPROVED",
  title = "Nobody approves the destruction of a key",
  severity = "high",
  source = { "RETIRE-3" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "It cannot be undone.",
  fix = "Name who approves in retire.approval.",
  check = function(k)
    local why = no_retirement(k)
    if why then return na(why) end
    if not k.retire then return na("no retire block: see RETIRE-WAIT") end
    if k.retire.approval then return pass() end
    return fail { field = "retire", observed = "no approval", expected = "who approves",
                  message = "anyone may destroy " .. k.name }
  end,
  tests = {
    { on = "keys.root", expect = "pass" },
    { on = "keys.edge-cert", expect = "n/a" },
    { on = "keys.root", set = { ["keys.root.retire.approval"] = "<absent>" }, expect = "fail" },
    { on = "keys.root", set = { ["keys.root.retire"] = "<absent>" }, expect = "n/a" },
  },
}

rule {
  id = "DEK-AGE",
  title = "Records stay under an old data key",
  severity = "medium",
  source = { "STORE-2", "MED-1" },
  subjects = { "keys" },
  decided = { "live" },
  why = "Turning a key in a KMS wraps new data keys only; what was stolen before still opens old records.",
  fix = "Encrypt the oldest records again until none is under an old version.",
  check = function(k)
    if not is_envelope(k) then return na("not an envelope key") end
    return pass()
  end,
  -- X11: a sample of the records themselves (DEK-1) shows those under an old version. That there is none, only a census could say.
  live = function(k)
    for _, s in ipairs(k.protects) do
      local here = false
      for _, f in ipairs(s.at_rest and s.at_rest.fields or {}) do here = here or f.key == k.name end
      for name, c in pairs(here and also_seen(s, "pg.fields") or {}) do
        if (c.mixed or 0) > 0 then
          return fail { observed = "epochs " .. tostring(c.oldest) .. " to " .. tostring(c.newest), expected = "the newest epoch of each tenant",
                        message = name .. " of " .. s.name .. " has values under older keys, of " .. tostring(c.mixed) .. " of "
                          .. tostring(c.handles) .. " tenants in a sample" }
        end
      end
    end
    seen(k, "dek.age")
    return unknown("this version cannot judge a census of data keys")
  end,
  tests = {
    { on = "keys.record", expect = "unobserved" },
    { on = "keys.record", facts = { ["stores.db"] = { ["pg.fields"] = { ["a.b.c"] = { n = 9, plain = 0, handles = 4, mixed = 1, oldest = 2, newest = 5 } } } },
      expect = "drift" },
    { on = "keys.record", facts = { ["stores.db"] = { ["pg.fields"] = { ["a.b.c"] = { n = 9, plain = 0, handles = 4, mixed = 0, oldest = 2, newest = 5 } } } },
      expect = "unobserved" },
    { on = "keys.record", facts = { ["stores.db"] = { ["pg.fields"] = { ["a.b.c"] = { why = "denied" } } } }, expect = "unobserved" },
    { on = "keys.root", expect = "n/a" },
  },
}
