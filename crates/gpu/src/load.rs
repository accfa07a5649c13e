//! Loading a module: the PTX of a fat binary is unpacked, kernels that PTX files define are taken from there, an
//! override is applied, and the result is placed in device memory. Parts that come from different texts stay
//! different modules that share the variables which the program can name.

use crate::code::Code;
use crate::context::{Context, Ready};
use crate::error::Error;
use crate::link::{self, Part};
use crate::loaded::{Loaded, Unit, not_ptx, overridden};
use crate::module::{DEVICE_RUNTIME, Image, Module};
use crate::sync::lock;
use crate::{say, sources};
use fatbin::PtxImage;
use record::Event;
use record::run::{self, Overridden};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Names shown in a list before it is cut short.
const NAMES_SHOWN: usize = 6;

/// What a module is built from.
struct Build<'a> {
    ready: &'a Ready,
    /// Variables that the host registered.
    registered: BTreeSet<String>,
    loaded: Loaded,
    /// Instructions overridden, by function.
    overridden: Vec<(String, u64)>,
}

impl Build<'_> {
    /// Adds the kernels `wanted` of a text. `what` names it in messages.
    fn add(&mut self, mut tree: ptx::ast::Module, wanted: &BTreeSet<&str>, what: &str) -> Result<(), Error> {
        let known = &self.loaded.variables;
        let mut clash = None;
        link::use_variables_of(&mut tree, &|v| {
            let there = known.get(&v.name.name)?;
            let is_extern = v.linkage == ptx::ast::Linkage::Extern;
            if is_extern || v.bytes().is_none_or(|size| size == there.size) {
                let shared = link::is_shared(v) || self.registered.contains(&v.name.name);
                return shared.then_some(there.address);
            }
            None
        });
        for v in tree.variables() {
            if let (Some(there), Some(size)) = (known.get(&v.name.name), v.bytes())
                && self.registered.contains(&v.name.name)
                && there.size != size
            {
                clash = Some(format!(
                    "variable `{}` has {} bytes in a PTX file and {size} bytes in {what}: the program's copies can reach only one of them",
                    v.name.name, there.size
                ));
            }
        }
        if let Some(reason) = clash {
            return Err(Error::Module {
                code: Code::INVALID_PTX,
                reason,
            });
        }
        let arch = tree.targets.first().map_or(0, |t| {
            t.trim_start_matches("sm_")
                .trim_end_matches(|c: char| !c.is_ascii_digit())
                .parse()
                .unwrap_or(0)
        });
        let names: Vec<String> = tree.variables().map(|v| v.name.name.clone()).collect();
        let checked = ptx::check(tree).map_err(not_ptx)?;
        let module = self.ready.backend().load(checked)?;
        for name in names {
            if let Some(info) = module.global(&name) {
                self.loaded.variables.entry(name).or_insert(info);
            }
        }
        for kernel in module.ptx().kernels().map(|f| f.name.name.as_str()) {
            if wanted.contains(kernel) {
                self.loaded
                    .kernels
                    .entry(kernel.to_owned())
                    .or_insert(self.loaded.units.len());
            }
        }
        let policy = self.ready.policy.as_ref();
        let unit = Unit {
            by_kernel: policy.is_some_and(|a| a.policy.depends_on_kernel(module.ptx())),
            module,
            variants: Mutex::default(),
            arch,
        };
        if let Some(active) = policy {
            self.overridden.extend(overridden(&unit, active)?);
        }
        self.loaded.units.push(unit);
        Ok(())
    }
}

/// `a, b, c and 4 more`.
fn list(names: &BTreeSet<&str>) -> String {
    let shown: Vec<&str> = names.iter().copied().take(NAMES_SHOWN).collect();
    let rest = names.len() - shown.len();
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(", "))
}

impl Context {
    /// The PTX that a fat binary holds.
    fn images(&self, binary: &Module) -> Result<Vec<PtxImage>, Error> {
        let Image::FatBinary(wrapper) = &binary.image else {
            return Ok(Vec::new());
        };
        // SAFETY: the program gave this address to register a fat binary, and has not taken it back.
        let containers = unsafe { fatbin::registered_at(wrapper.0) };
        containers.and_then(|c| fatbin::best_ptx(&c)).map_err(|e| {
            let code = match e {
                fatbin::Error::MachineCodeOnly { .. } => Code::NO_KERNEL_IMAGE_FOR_DEVICE,
                _ => Code::INVALID_KERNEL_IMAGE,
            };
            Error::Module {
                code,
                reason: e.to_string(),
            }
        })
    }

    /// Writes the PTX of every module registered so far, once; gives the images of `wanted` if they were unpacked for that.
    fn write_ptx(&self, folder: &Path, wanted: &Module) -> Option<Result<Vec<PtxImage>, Error>> {
        let modules = self.modules();
        let mut kept = None;
        for binary in modules {
            if std::mem::replace(&mut *lock(&binary.written), true) {
                continue;
            }
            let images = self.images(&binary);
            // A module without PTX is told when it is used.
            for (i, image) in images.as_deref().unwrap_or_default().iter().enumerate() {
                if !image.text.contains(DEVICE_RUNTIME) {
                    sources::write(folder, &self.file_name(&binary, image, i), &image.text);
                }
            }
            if binary.number == wanted.number {
                kept = Some(images);
            }
        }
        kept
    }

    fn file_name(&self, binary: &Module, image: &PtxImage, index: usize) -> String {
        image.file_name(&self.startup().program, binary.number + index)
    }

    /// The code of a fat binary, loaded when first asked for. A failure stays: the next launch gives the same
    /// error.
    pub(crate) fn loaded(&self, binary: &Module) -> Result<Arc<Loaded>, Error> {
        let ready = self.ready()?;
        let mut slot = lock(&binary.loaded);
        if let Some(known) = &*slot {
            return known.clone();
        }
        let result = self.load(binary, ready).map(Arc::new);
        *slot = Some(result.clone());
        result
    }

    fn load(&self, binary: &Module, ready: &Ready) -> Result<Loaded, Error> {
        let kernels = lock(&binary.kernels).clone();
        let registered: BTreeSet<String> = lock(&binary.variables).iter().map(|v| v.name.clone()).collect();
        // A text that was given is meant as it is.
        let files = match &binary.image {
            Image::FatBinary(_) => ready.files(self)?,
            Image::Ptx(_) => None,
        };
        let unpacked = ready
            .writes_to()
            .and_then(|folder| self.write_ptx(folder, binary));
        let images = unpacked.unwrap_or_else(|| self.images(binary));
        let mut embedded = self.parts(binary, images.as_deref().unwrap_or_default());
        let file_name = match (&binary.image, images.as_deref()) {
            (Image::Ptx(text), _) => text.source.name.clone(),
            (_, Ok([first, ..])) => self.file_name(binary, first, 0),
            _ => format!("{}.{}.ptx", self.startup().program, binary.number),
        };
        let name = file_name
            .trim_end_matches(".ptx")
            .rsplit_once(".sm_")
            .map_or(&*file_name, |(stem, _)| stem);
        let loaded = Loaded {
            name: name.to_owned(),
            units: Vec::new(),
            kernels: BTreeMap::new(),
            variables: BTreeMap::new(),
            infos: Mutex::default(),
        };
        let mut build = Build {
            ready,
            registered,
            loaded,
            overridden: Vec::new(),
        };
        let mut origins = Vec::new();
        let mut source = "embedded".to_owned();
        if let Some(files) = files {
            for (file, names) in files.for_kernels(kernels.iter().map(String::as_str)) {
                let mut tree = file.tree.clone().into_tree();
                let mut others: Vec<Part> = files.files.iter().map(|f| Part::Kept(&f.tree)).collect();
                let mut parts: Vec<&mut Part> = others.iter_mut().chain(&mut embedded).collect();
                link::resolve(&mut tree, &mut parts);
                build.add(tree, &names, &file.path.display().to_string())?;
                origins.push(format!("{} from {}", list(&names), file.path.display()));
                source = format!("file {}", file.path.display());
            }
        }
        let rest: BTreeSet<&str> = kernels
            .iter()
            .map(String::as_str)
            .filter(|k| !build.loaded.kernels.contains_key(*k))
            .collect();
        let homeless = build
            .registered
            .iter()
            .any(|v| !build.loaded.variables.contains_key(v));
        if !rest.is_empty() || homeless || build.loaded.units.is_empty() {
            if let Err(e) = &images {
                return Err(e.clone());
            }
            let tree = whole(&mut embedded, &kernels, &build.registered)?;
            build.add(tree, &rest, "the embedded PTX")?;
            if !rest.is_empty() {
                origins.push(format!("{} from the embedded PTX", list(&rest)));
            }
        }
        let Build {
            loaded,
            overridden,
            registered,
            ..
        } = build;
        if files.is_some() {
            say::info(&format!("module {}: {}", loaded.name, origins.join("; ")));
        }
        // Rules that hold in some launches only override then; the end of the run says what they did.
        if ready.policy.is_some() && !overridden.is_empty() {
            say::info(&override_line(&loaded.name, &overridden));
        }
        let overridden = overridden.iter().map(|(kernel, n)| Overridden {
            kernel: kernel.to_string(),
            instructions: *n,
        });
        self.recorder().event(&Event::Module(run::Module {
            name: loaded.name.clone(),
            source,
            kernels: loaded.kernels.len() as u64,
            overridden: overridden.collect(),
        }));
        drop(registered);
        self.fill_slots(binary, &loaded);
        let (free, total) = ready.memory().info();
        self.recorder().memory(total - free);
        Ok(loaded)
    }

    /// The texts of images, with the names of the files they are written to.
    fn parts<'a>(&self, binary: &'a Module, images: &'a [PtxImage]) -> Vec<Part<'a>> {
        if let Image::Ptx(text) = &binary.image {
            return vec![Part::Kept(text)];
        }
        let named =
            |(i, image): (usize, &'a PtxImage)| Part::Unread(self.file_name(binary, image, i), &image.text);
        images.iter().enumerate().map(named).collect()
    }

    /// Tells the program where its managed variables lie.
    fn fill_slots(&self, binary: &Module, loaded: &Loaded) {
        for variable in lock(&binary.variables).iter() {
            if let (Some(slot), Some(info)) = (&variable.slot, loaded.variable(&variable.name)) {
                slot.fill(info.address as usize);
            }
        }
    }

    /// Gives managed variables memory of their own although their module could not be loaded: the program reads
    /// them without asking whether it could, and must not crash. Kernels of the module fail with the reason.
    fn fill_slots_without_module(&self, binary: &Module) {
        for slot in lock(&binary.variables).iter().filter_map(|v| v.slot) {
            if let Ok(address) = self.malloc_managed(slot.size, 1) {
                slot.fill(address);
            }
        }
    }

    /// Loads a module at once (it has managed variables).
    ///
    /// # Errors
    /// Whatever keeps its code from being had.
    pub fn load_now(&self, module: &Module) -> Result<(), Error> {
        self.loaded(module).map(|_| ()).inspect_err(|_| {
            self.fill_slots_without_module(module);
        })
    }

    /// A managed variable by its address: that, and its size.
    pub fn managed_variable(&self, address: usize) -> Option<(usize, usize)> {
        self.modules().iter().find_map(|module| {
            let loaded = module.code()?;
            let found = loaded
                .variables
                .values()
                .find(|v| v.managed && v.address == address as u64)?;
            Some((address, found.size as usize))
        })
    }

    /// Address and size of a variable of a module.
    ///
    /// # Errors
    /// The module's code cannot be had, or has no such variable.
    pub fn variable(&self, module: &Module, name: &str) -> Result<(usize, usize), Error> {
        let loaded = self.loaded(module)?;
        let info = loaded.variable(name).ok_or_else(|| Error::Module {
            code: Code::INVALID_SYMBOL,
            reason: format!("no variable `{name}` in the PTX of module {}", loaded.name),
        })?;
        Ok((info.address as usize, info.size as usize))
    }
}

/// The embedded PTX as one tree: the texts that hold something the program registered, and those that these
/// need. Most fat binaries hold one text; those of separate compilation hold one for each source file, and
/// the device runtime, which is seldom needed.
fn whole(
    parts: &mut [Part],
    kernels: &[String],
    variables: &BTreeSet<String>,
) -> Result<ptx::ast::Module, Error> {
    let holds = |part: &Part| {
        let text = part.text();
        kernels
            .iter()
            .chain(variables)
            .any(|name| text.contains(name.as_str()))
    };
    let mut wanted: Vec<usize> = (0..parts.len()).filter(|k| holds(&parts[*k])).collect();
    if wanted.is_empty() && !parts.is_empty() {
        wanted.push(0);
    }
    let mut whole: Option<ptx::ast::Module> = None;
    for k in wanted {
        let part = parts[k].take().map_err(not_ptx)?;
        match (&mut whole, part) {
            (Some(tree), Some(more)) => link::take_in(tree, more),
            (None, first) => whole = first,
            (Some(_), None) => {}
        }
    }
    let mut tree = whole.ok_or_else(|| Error::Module {
        code: Code::NO_KERNEL_IMAGE_FOR_DEVICE,
        reason: "the fat binary holds no PTX".into(),
    })?;
    link::resolve(&mut tree, &mut parts.iter_mut().collect::<Vec<_>>());
    Ok(tree)
}

/// What an override did to one module, in a line.
fn override_line(module: &str, overridden: &[(String, u64)]) -> String {
    let total: u64 = overridden.iter().map(|(_, n)| n).sum();
    let mut parts: Vec<String> = overridden
        .iter()
        .take(NAMES_SHOWN)
        .map(|(kernel, n)| format!("{kernel} {n}"))
        .collect();
    if overridden.len() > NAMES_SHOWN {
        parts.push(format!("and {} more", overridden.len() - NAMES_SHOWN));
    }
    let of = if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(", "))
    };
    format!(
        "override: {total} instructions in {} functions of module {module}{of}",
        overridden.len()
    )
}
