-- plan.lua - is the plan itself complete? References, levels, orphans, and what teams forget:
-- backups, logs, scratch space, undeclared paths, third parties, laptops.

rule {
  id = "PLAN-REF",
  title = "A reference names nothing",
  severity = "high",
  source = { "CLASS-5" },
  subjects = { "plan" },
  decided = { "loader" },
  why = "A dangling name makes every answer about it meaningless.",
  fix = "Name an existing entry; the loader shows the line and the nearest id.",
  -- A plan with a dangling reference does not load, so whoever gets here has none.
  check = function() return pass() end,
  tests = {
    { on = "plan", expect = "pass" },
  },
}

rule {
  id = "PLAN-UNUSED-KEY",
  title = "Key protects nothing in the plan",
  severity = "low",
  source = { "KEY-1", "KEY-7" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "A key that nobody uses any more still opens what it once protected.",
  fix = "Retire the key, or name it in the store, flow or key that it protects.",
  check = function(k)
    -- Signing keys are used by code: no field of a plan names them.
    if k.type == "hmac" or k.type == "asymmetric" or k.type == "ssh" then
      return na("no store or flow names a key of type " .. k.type)
    end
    if #k.protects > 0 or #k.children > 0 then return pass() end
    return fail {
      message = k.name .. " is named by no store, no flow and no other key",
      observed = "unused", expected = "a user",
    }
  end,
  tests = {
    { on = "keys.volume", expect = "pass" },
    { on = "keys.root", expect = "pass" },
    { on = "keys.mesh-ca", expect = "pass" },
    { on = "keys.audit", set = { ["stores.audit.at_rest.volume.key"] = "files" }, expect = "fail" },
    { on = "keys.edge-cert", set = { ["flows.web.tls.cert"] = "<absent>" }, expect = "fail" },
    { on = "keys.audit", set = { ["keys.audit.type"] = "hmac" }, expect = "n/a" },
  },
}

-- The first flow that brings the data to a store of ours that does not say it holds it. What the
-- plan does not see there has no floor there. Card data is PAN-STORED's and SAD-STORED's.
local function unheld_arrival(d)
  if is_kind(d, "pan") or is_kind(d, "sad") then return nil end
  for _, f in ipairs(d.in_flows) do
    local to = end_of(f.to)
    if to and to.section == "stores" and not is_external_store(to) and not is_backup(to)
      and not lists(to.holds, d.name) then
      return f, to
    end
  end
  return nil
end

rule {
  id = "PLAN-ORPHAN-DATA",
  title = "Data type is kept and travels nowhere, or arrives where nothing says that it stays",
  severity = "medium",
  source = { "CLASS-5" },
  subjects = { "data" },
  decided = { "plan" },
  why = "Data that the product handles is somewhere; a plan that does not say where cannot protect it.",
  fix = "Put it in the store that holds it (holds) and the flow that carries it (carries), or remove the entry.",
  check = function(d)
    local flow, store = unheld_arrival(d)
    if flow then
      return fail {
        message = flow.name .. " carries " .. d.name .. " to " .. store.name .. ", which does not say that it holds it",
        observed = "not held by " .. store.name, expected = "holds: [..., " .. d.name .. "]",
      }
    end
    if #d.in_stores > 0 or #d.in_flows > 0 then return pass() end
    if d.form and d.form.delegated then return pass() end
    return fail {
      message = d.name .. " is in no store and in no flow",
      observed = "no place", expected = "a store or a flow",
    }
  end,
  tests = {
    { on = "data.patient", expect = "pass" },
    { on = "data.card", expect = "pass" },
    { on = "data.event", set = { ["stores.laptops.holds"] = "<absent>" }, expect = "fail" },
    { on = "data.event", set = { ["flows.api-db.carries"] = { "patient", "event" } }, expect = "fail" },
    { on = "data.event", set = { ["flows.mesh.carries"] = { "patient", "event" } }, expect = "pass" },
    { on = "data.card", set = { ["flows.api-db.carries"] = { "patient", "card" } }, expect = "pass" },
  },
}

rule {
  id = "CLASS-LEVEL-MISSING",
  title = "Data type has no level",
  severity = "high",
  source = { "CLASS-5" },
  subjects = { "data" },
  decided = { "loader" },
  why = "Without a level no floor applies, so anything would pass.",
  fix = "Give it a level: critical, high, medium or low.",
  -- `level` is a required field: a plan without it does not load.
  check = function() return pass() end,
  tests = {
    { on = "data.patient", expect = "pass" },
  },
}

rule {
  id = "INV-UNMATCHED",
  title = "A real store is not in the plan",
  severity = "high",
  source = { "CLASS-5", "INV-3", "GAP-1" },
  subjects = { "plan" },
  decided = { "live", "snapshot" },
  why = "What nobody wrote down is what nobody encrypts.",
  fix = "Add the store to the plan, or record with its owner why it is out of scope.",
  check = function() return pass() end,
  live = function(p)
    local unmatched = seen(p, "inventory.unmatched")
    if #unmatched == 0 then return pass() end
    return fail {
      message = "the plan does not name " .. and_list(unmatched),
      observed = and_list(unmatched), expected = "nothing that the plan lacks",
    }
  end,
  tests = {
    { on = "plan", expect = "unobserved" },
    { on = "plan", expect = "pass", facts = { plan = { ["inventory.unmatched"] = {} } } },
    { on = "plan", expect = "drift", facts = { plan = { ["inventory.unmatched"] = { "s3://exports" } } } },
  },
}

rule {
  id = "GAP-BACKUP",
  title = "Store has no backup, nor a word that it needs none",
  severity = "medium",
  source = { "GAP-1", "INV-9" },
  subjects = { "stores" },
  decided = { "plan" },
  why = "Somebody makes a copy sooner or later; one that the plan does not know is not encrypted by it.",
  fix = "List the store under backup_of of its backup store, or write `backup: none`.",
  check = function(s)
    if is_external_store(s) then return na("kept by a processor") end
    if is_endpoints(s) then return na("endpoints hold copies, not originals") end
    if is_backup(s) then return na("is a backup itself") end
    if #s.backups > 0 or s.backup ~= nil then return pass() end
    return fail {
      field = "backup", observed = "nothing said", expected = "a backup store or none",
      message = s.name .. " is in no backup, and the plan does not say that it needs none",
    }
  end,
  tests = {
    { on = "stores.db", expect = "pass" },
    { on = "stores.audit", expect = "pass" },
    { on = "stores.backups", expect = "n/a" },
    { on = "stores.laptops", expect = "n/a" },
    { on = "stores.stripe", expect = "n/a" },
    { on = "stores.audit", set = { ["stores.audit.backup"] = "<absent>" }, expect = "fail" },
    { on = "stores.search", expect = "fail",
      set = { ["stores.backups.backup_of"] = { "db", "files" } } },
  },
}

rule {
  id = "GAP-LOG",
  title = "Logs have no declared store, or no end",
  severity = "medium",
  source = { "GAP-2", "INV-8" },
  subjects = { "plan", "stores" },
  decided = { "plan" },
  why = "Logs pick up personal data; a place that is not in the plan is not encrypted by it.",
  fix = "Declare the data type with `kinds: [log]`, the store that holds it, and its `retention`.",
  check = function(s)
    if s.section == "stores" then
      if is_external_store(s) or is_backup(s) then return na("not where logs are first kept") end
      for _, d in ipairs(held(s)) do
        if is_kind(d, "log") then
          if s.retention ~= nil then return pass() end
          return fail {
            field = "retention", observed = "nothing said", expected = "a duration",
            message = s.name .. " keeps " .. d.name .. " for ever: it has no retention",
          }
        end
      end
      return na("holds no logs")
    end
    local runs = false
    for _, service in pairs(plan.services or {}) do
      if is_own_service(service) then runs = true end
    end
    if not runs then return na("no service of ours runs") end
    for _, d in pairs(plan.data or {}) do
      if is_kind(d, "log") and #d.in_stores > 0 then return pass() end
    end
    return fail {
      message = "services run, but no store holds data of kind log",
      observed = "no log store", expected = "a store that holds logs",
    }
  end,
  tests = {
    { on = "plan", expect = "pass" },
    { on = "stores.audit", expect = "pass" },
    { on = "stores.db", expect = "n/a" },
    { on = "plan", set = { ["data.log.kinds"] = "<absent>" }, expect = "fail" },
    { on = "plan", set = { ["stores.audit.holds"] = { "event" } }, expect = "fail" },
    { on = "stores.audit", set = { ["stores.audit.retention"] = "<absent>" }, expect = "fail" },
  },
}

rule {
  id = "GAP-SCRATCH",
  title = "Service does not say where its temporary data goes",
  severity = "medium",
  source = { "GAP-3", "INV-6", "LESSON-2", "REST-5" },
  subjects = { "services" },
  decided = { "plan" },
  why = "Decrypted files and swapped-out memory stay on the disks of workers long after the job is done.",
  fix = "List the service's temporary folders and its swap under scratch.",
  check = function(s)
    if s.external then return na("not run by us") end
    if not at_least_high(s) then return na("handles no critical or high data") end
    if s.scratch ~= nil and #s.scratch > 0 then return pass() end
    return fail {
      field = "scratch", observed = "nothing said", expected = "temporary folders and swap",
      message = s.name .. " handles " .. s.effective .. " data (" .. s.effective_from ..
        ") and does not say where its temporary files and swap are",
    }
  end,
  tests = {
    { on = "services.api", expect = "pass" },
    { on = "services.browser", expect = "n/a" },
    { on = "services.worker", set = { ["services.worker.scratch"] = "<absent>" }, expect = "fail" },
    { on = "services.worker", set = { ["flows.mesh.carries"] = { "event" } }, expect = "n/a" },
  },
}

-- Files on the disk of the service that uses them are reached without a network.
local NO_NETWORK = { sqlite = true, disk = true }

local function needs_no_flow(s)
  if s.section == "services" then return s.external and "not run by us" or nil end
  if is_external_store(s) then return "kept by a processor" end
  if is_endpoints(s) then return "endpoints: people carry them" end
  if is_backup(s) then return "a backup: its provider fills it" end
  if NO_NETWORK[s.kind] then return "a " .. s.kind .. " store is reached without a network" end
end

rule {
  id = "GAP-FLOW",
  title = "Service or store is on no declared path",
  severity = "medium",
  source = { "GAP-4", "PATH-3", "TRANSIT-6" },
  subjects = { "services", "stores" },
  decided = { "plan" },
  why = "What talks to nobody has no reason to be there; its paths are real and nobody judges them.",
  fix = "Add the flows that start or end there.",
  -- Judged per service, not per pair: which pairs talk is for the plan to say.
  check = function(s)
    local why = needs_no_flow(s)
    if why then return na(why) end
    if #s.in_flows > 0 then return pass() end
    return fail {
      message = s.name .. " is at the end of no flow",
      observed = "no flow", expected = "the paths it talks on",
    }
  end,
  tests = {
    { on = "services.worker", expect = "pass" },
    { on = "services.ci", expect = "n/a" },
    { on = "services.worker", set = { ["flows.mesh.to"] = "api" }, expect = "fail" },
    { on = "stores.db", expect = "pass" },
    { on = "stores.db", set = { ["flows.api-db"] = "<absent>" }, expect = "fail" },
    { on = "stores.db", set = { ["flows.api-db"] = "<absent>", ["stores.db.kind"] = "sqlite" }, expect = "n/a" },
    { on = "stores.backups", expect = "n/a" },
    { on = "stores.laptops", expect = "n/a" },
    { on = "stores.stripe", expect = "n/a" },
  },
}

rule {
  id = "THIRD-PARTY-EVIDENCE",
  title = "Processor holds data without current evidence of how it protects it",
  severity = "medium",
  source = { "GAP-5", "INV-2", "PATH-5" },
  subjects = { "stores" },
  decided = { "plan", "human" },
  why = "Data with a third party is still yours; without a report nobody knows how it is kept.",
  fix = "Name the processor, its audit report or contract, and the date until which it counts.",
  check = function(s)
    if not is_external_store(s) then return na("kept by us") end
    local p = s.processor
    if p == nil then
      return fail {
        field = "processor", observed = "nothing said", expected = "name, report, expires",
        message = "who runs " .. s.name .. " and on what evidence is not recorded",
      }
    end
    if p.report == nil then
      return fail {
        field = "processor.report", observed = "none", expected = "an audit report or a contract",
        message = "nothing shows how " .. p.name .. " protects what " .. s.name .. " holds",
      }
    end
    if p.expires == nil then
      return fail {
        field = "processor.expires", observed = "no date", expected = "a date to come",
        message = "the evidence about " .. p.name .. " has no date on which it is too old",
      }
    end
    if p.expires < run_date then
      return fail {
        field = "processor.expires", observed = date(p.expires),
        expected = date(run_date) .. " or later",
        message = "the evidence about " .. p.name .. " ran out on " .. date(p.expires),
      }
    end
    -- A report is a file, or words for one that is kept elsewhere ("SOC 2 type II, in the vault").
    if str.find(p.report, "/") and not str.starts(p.report, "https://") and not file_exists(p.report) then
      return fail {
        field = "processor.report", observed = "no such file: " .. p.report, expected = "a file",
        message = "the evidence about " .. p.name .. " is missing",
      }
    end
    return pass()
  end,
  tests = {
    { on = "stores.stripe", expect = "pass" },
    { on = "stores.db", expect = "n/a" },
    { on = "stores.stripe", set = { ["stores.stripe.processor"] = "<absent>" }, expect = "fail" },
    { on = "stores.stripe", expect = "fail",
      set = { ["stores.stripe.processor.report"] = "<absent>" } },
    { on = "stores.stripe", expect = "fail",
      set = { ["stores.stripe.processor.expires"] = "<absent>" } },
    { on = "stores.stripe", expect = "fail",
      set = { ["stores.stripe.processor.expires"] = "2026-11-23" } },
    { on = "stores.stripe", expect = "pass",
      set = { ["stores.stripe.processor.expires"] = "2026-11-24" } },
    { on = "stores.stripe", files = { ["docs/stripe-aoc.pdf"] = false }, expect = "fail" },
    { on = "stores.stripe", set = { ["stores.stripe.processor.report"] = "PCI AOC 2026" }, expect = "pass" },
    { on = "stores.stripe", expect = "pass",
      set = { ["stores.stripe.processor.report"] = "https://trust.stripe.example/aoc" } },
  },
}

-- X6: the XTS key of "AES-256" is 512 bits long, and what laptops do by default is XTS-AES 128: the
-- plan has to ask for 256, and an export of the device management has to show it.
ENDPOINT_ALGORITHMS = { ["aes-256-xts"] = true, ["aes-256"] = true }

rule {
  id = "ENDPOINT-FDE",
  title = "Endpoints are not under enforced full disk encryption with AES-256",
  severity = "high",
  source = { "STORE-8", "MED-6" },
  subjects = { "stores" },
  decided = { "plan", "snapshot" },
  why = "Laptops get lost; default fleets use 128-bit keys or none.",
  fix = "Enforce XTS-AES 256 by device management, and name its export under verify.import.",
  check = function(s)
    if not is_endpoints(s) then return na("not a fleet of endpoints") end
    local algorithm = volume_of(s).algorithm or "none"
    if not ENDPOINT_ALGORITHMS[algorithm] then
      return fail {
        field = "at_rest.volume.algorithm", observed = algorithm, expected = "aes-256-xts",
        message = s.name .. " are not under full disk encryption with AES-256: " .. algorithm,
      }
    end
    if s.verify == nil then
      return fail {
        field = "verify", observed = "nothing said", expected = "import: an export of the device management",
        message = "nothing shows that the disks of " .. s.name .. " are really encrypted",
      }
    end
    return pass()
  end,
  live = function(s)
    local fleet = seen(s, "endpoints.encryption")
    if fleet.plain > 0 then
      return fail {
        field = "verify.import", observed = fleet.plain .. " machines", expected = "none",
        message = fleet.plain .. " of " .. s.name .. " are not encrypted",
      }
    end
    return pass(2)
  end,
  tests = {
    { on = "stores.laptops", expect = "unobserved" },
    { on = "stores.laptops", expect = "pass",
      facts = { ["stores.laptops"] = { ["endpoints.encryption"] = { plain = 0 } } } },
    { on = "stores.laptops", expect = "drift",
      facts = { ["stores.laptops"] = { ["endpoints.encryption"] = { plain = 2 } } } },
    { on = "stores.db", expect = "n/a" },
    { on = "stores.laptops", expect = "fail",
      set = { ["stores.laptops.at_rest.volume.algorithm"] = "aes-128" } },
    { on = "stores.laptops", set = { ["stores.laptops.at_rest"] = "<absent>" }, expect = "fail" },
    { on = "stores.laptops", set = { ["stores.laptops.verify"] = "<absent>" }, expect = "fail" },
  },
}
