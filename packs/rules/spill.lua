-- spill.lua - what leaks to disks beside the stores (swap, temporary files, core dumps), keys shared
-- between environments, and whether anybody checks the plan.

local function spill_na(s)
  if s.external then return na("not run by us") end
  if not at_least_high(s) then return na("handles no critical or high data") end
  return nil
end

-- The first declared scratch entry that spills: swap when want_swap, else a folder. Swap that is
-- said to be in memory is a slip: it is somewhere else.
local function plain_scratch(s, want_swap)
  for i, entry in ipairs(s.scratch or {}) do
    local spills = entry.kind == "plain" or (want_swap and entry.kind == "tmpfs")
    if spills and (entry.path == "swap") == want_swap then
      return entry, "scratch." .. tostring(i - 1) .. ".kind"
    end
  end
  return nil
end

rule {
  id = "REST-5-SWAP",
  title = "Swap of a service is not encrypted",
  severity = "medium",
  source = { "REST-5", "GAP-3", "LESSON-2", "INV-6" },
  subjects = { "services" },
  decided = { "plan", "live" },
  why = "Decrypted memory that is swapped out stays readable on the disk.",
  fix = "Turn swap off, or encrypt it with a key made at boot.",
  check = function(s)
    local skip = spill_na(s)
    if skip then return skip end
    local entry, field = plain_scratch(s, true)
    if entry == nil then return pass() end -- not declared at all: GAP-SCRATCH, and the probe
    return fail {
      field = field, observed = entry.kind, expected = "none or encrypted",
      message = s.name .. (entry.kind == "plain" and " swaps to a plain disk" or
        " says that its swap is in memory, which no swap is"),
    }
  end,
  live = function(s)
    local undecided
    for _, swap in ipairs(seen(s, "host.swap")) do
      if swap.encrypted == "no" then
        return fail {
          field = "scratch", observed = "plain", expected = "none or encrypted",
          message = s.name .. " swaps to " .. tostring(swap.path) .. ", which is not encrypted",
        }
      end
      if swap.encrypted == "unknown" then undecided = swap.why or tostring(swap.path) end
    end
    if undecided then return unknown(undecided) end
    return pass(3)
  end,
  tests = {
    { on = "services.api", expect = "unobserved" },
    { on = "services.browser", expect = "n/a" },
    { on = "services.worker", set = { ["flows.mesh.carries"] = { "event" } }, expect = "n/a" },
    { on = "services.worker", expect = "fail",
      set = { ["services.worker.scratch"] = { { path = "swap", kind = "plain" } } } },
    { on = "services.worker", expect = "fail",
      set = { ["services.worker.scratch"] = { { path = "swap", kind = "tmpfs" } } } },
    { on = "services.worker", expect = "unobserved",
      set = { ["services.worker.scratch"] = { { path = "/tmp", kind = "plain" } } } },
    { on = "services.worker", expect = "drift",
      facts = { ["services.worker"] = { ["host.swap"] = { { path = "/dev/sda2", encrypted = "no" } } } } },
    { on = "services.worker", expect = "pass",
      facts = { ["services.worker"] = { ["host.swap"] = { { path = "/dev/dm-1", encrypted = "yes" } } } } },
    { on = "services.worker", expect = "unknown",
      facts = { ["services.worker"] = { ["host.swap"] = { { path = "/dev/vdb", encrypted = "unknown", why = "inside a container" } } } } },
  },
}

rule {
  id = "REST-5-TMP",
  title = "Temporary files or cached values of a service reach a plain disk",
  severity = "medium",
  source = { "REST-5", "GAP-3", "LESSON-2", "INV-6" },
  subjects = { "services" },
  decided = { "plan", "live" },
  why = "Decrypted files in /tmp and caches on disk outlive the request that made them.",
  fix = "Use tmpfs or an encrypted volume for temporary folders; cache decrypted values in memory only.",
  check = function(s)
    local skip = spill_na(s)
    if skip then return skip end
    local entry, field = plain_scratch(s, false)
    if entry then
      return fail {
        field = field, observed = "plain", expected = "tmpfs or encrypted",
        message = s.name .. " writes temporary files to " .. entry.path .. ", a plain disk",
      }
    end
    -- LESSON-2: decrypted values may be cached, but never on a disk.
    if s.memory_cache == "disk" then
      return fail {
        field = "memory_cache", observed = "disk", expected = "memory or none",
        message = s.name .. " caches decrypted values on disk",
      }
    end
    return pass()
  end,
  live = function(s)
    local undecided
    for path, at in pairs(seen(s, "host.temp")) do
      if at.encrypted == "no" then
        return fail {
          field = "scratch", observed = "plain", expected = "tmpfs or encrypted",
          message = path .. " of " .. s.name .. " is on a disk that is not encrypted",
        }
      end
      -- A tmpfs that can be swapped out is REST-5-SWAP's.
      if at.encrypted == "unknown" then undecided = path .. ": " .. (at.why or "cannot be told") end
    end
    if undecided then return unknown(undecided) end
    return pass(3)
  end,
  tests = {
    { on = "services.api", expect = "unobserved" },
    { on = "services.browser", expect = "n/a" },
    { on = "services.worker", expect = "fail",
      set = { ["services.worker.scratch"] = { { path = "/tmp", kind = "plain" } } } },
    { on = "services.worker", expect = "unobserved",
      set = { ["services.worker.scratch"] = { { path = "swap", kind = "plain" } } } },
    { on = "services.worker", expect = "fail",
      set = { ["services.worker.memory_cache"] = "disk" } },
    { on = "services.worker", expect = "drift",
      facts = { ["services.worker"] = { ["host.temp"] = { ["/tmp"] = { encrypted = "no" } } } } },
    { on = "services.worker", expect = "pass",
      facts = { ["services.worker"] = { ["host.temp"] = { ["/tmp"] = { encrypted = "ram" } } } } },
    { on = "services.worker", expect = "unknown",
      facts = { ["services.worker"] = { ["host.temp"] = { ["/tmp"] = { encrypted = "unknown", why = "overlay" } } } } },
  },
}

rule {
  id = "REST-5-CORE",
  title = "Core dumps of a service reach a plain disk",
  severity = "medium",
  source = { "REST-5", "GAP-3", "LESSON-2" },
  subjects = { "services" },
  decided = { "live" },
  why = "A core dump is the whole memory of the process, keys and decrypted values included.",
  fix = "Set Storage=none and ProcessSizeMax=0 for systemd-coredump, or a core size limit of 0.",
  check = function(s)
    return spill_na(s) or pass()
  end,
  live = function(s)
    local cores = seen(s, "host.cores")
    if not cores.to_disk or cores.encrypted == "yes" or cores.encrypted == "ram" then return pass(3) end
    if cores.encrypted ~= "no" then return unknown(cores.why or "where core dumps go is not known") end
    return fail {
      observed = tostring(cores.pattern or cores.kind), expected = "no core dumps, or an encrypted disk",
      message = "core dumps of " .. s.name .. " are written to a disk that is not encrypted" ..
        (cores.dir and " (" .. cores.dir .. ")" or ""),
    }
  end,
  tests = {
    { on = "services.api", expect = "unobserved" },
    { on = "services.ci", expect = "n/a" },
    { on = "services.api", expect = "pass",
      facts = { ["services.api"] = { ["host.cores"] = { kind = "pipe", storage = "none", to_disk = false } } } },
    { on = "services.api", expect = "drift", facts = { ["services.api"] = { ["host.cores"] =
      { kind = "file", pattern = "core", to_disk = true, dir = "/var/crash", encrypted = "no" } } } },
    { on = "services.api", expect = "pass", facts = { ["services.api"] = { ["host.cores"] =
      { kind = "file", pattern = "core", to_disk = true, dir = "/var/crash", encrypted = "yes" } } } },
    { on = "services.api", expect = "unknown", facts = { ["services.api"] = { ["host.cores"] =
      { kind = "file", pattern = "core", to_disk = true, encrypted = "unknown" } } } },
  },
}

-- Names that mean production, alone or before a region ("prod-eu"): it may use its own keys, and
-- without a patch it is the plan as written.
local function is_production(name)
  return name == "prod" or name == "production" or str.starts(name, "prod-") or str.starts(name, "production-")
end

-- Another environment that is the plan as written too: production, or else the first by name, so
-- that of two which are the same one finding is made.
local function unpatched_other(e)
  local first
  for _, env in pairs(plan.environments or {}) do
    if env.patch == nil and env.name ~= e.name then
      if is_production(env.name) then return env.name end
      if env.name < e.name and (not first or env.name < first) then first = env.name end
    end
  end
  return first
end

rule {
  id = "REST-6-SHARED",
  title = "Environment uses the keys of production",
  severity = "high",
  source = { "REST-6" },
  subjects = { "environments" },
  decided = { "plan" },
  why = "Whoever works on staging can then open production.",
  fix = "Patch each key's custody in the environment: another account, project or provider.",
  check = function(e)
    if is_production(e.name) then return na("it is production itself") end
    if e.patch == nil then
      local other = unpatched_other(e)
      if not other then return na("no patch: it is the plan as written") end
      return fail {
        observed = "no patch", expected = "keys of its own",
        message = e.name .. " is " .. other .. " with nothing changed: it shares every key",
      }
    end
    local shared = {}
    for _, name in ipairs(e.shared_keys or {}) do
      local key = key_of(name)
      if key and not is_envelope(key) then table.insert(shared, name) end
    end
    if #shared == 0 then return pass() end
    table.sort(shared)
    return fail {
      field = "patch.keys", observed = and_list(shared), expected = "no shared key",
      message = e.name .. " keeps " .. and_list(shared) .. " in the same home as the plan as written",
    }
  end,
  tests = {
    { on = "environments.staging", expect = "pass" },
    { on = "environments.prod", expect = "n/a" },
    { on = "environments.staging", expect = "fail",
      set = { ["environments.staging.patch.keys.volume"] = "<absent>" } },
    { on = "environments.staging", expect = "fail",
      set = { ["environments.staging.patch"] = "<absent>" } },
    { on = "environments.prod", expect = "n/a",
      set = { ["environments.prod.patch.ci.check"] = "another" } },
    -- Without an environment called production, of two that are the same one is told.
    { on = "environments.staging", expect = "n/a",
      set = { ["environments.staging.patch"] = "<absent>", ["environments.prod"] = "<absent>" } },
    { on = "environments.staging", expect = "fail",
      set = { ["environments.staging.patch"] = "<absent>", ["environments.prod"] = "<absent>",
              ["environments.live.targets"] = "targets/live.yaml" } },
    { on = "environments.live", expect = "n/a",
      set = { ["environments.staging.patch"] = "<absent>", ["environments.prod"] = "<absent>",
              ["environments.live.targets"] = "targets/live.yaml" } },
    { on = "environments.prod-eu", expect = "n/a",
      set = { ["environments.prod-eu.targets"] = "targets/eu.yaml" } },
  },
}

rule {
  id = "REST-7-STALE",
  title = "No job checks the plan on each change",
  severity = "medium",
  source = { "REST-7" },
  subjects = { "plan" },
  decided = { "plan" },
  why = "A plan that nobody checks drifts from the product within weeks.",
  fix = "Run `redoubt check` in CI and name the job under ci.check.",
  check = function()
    if plan.ci ~= nil and plan.ci.check ~= nil then return pass() end
    return fail {
      field = "ci", observed = "nothing said", expected = "check: the name of a job",
      message = "no CI job is named that checks the plan on each change",
    }
  end,
  tests = {
    { on = "plan", expect = "pass" },
    { on = "plan", set = { ["ci"] = "<absent>" }, expect = "fail" },
  },
}
