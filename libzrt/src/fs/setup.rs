//! The tree at the start: mounts, /dev, /proc, /tmp, and descriptors 0, 1 and 2.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use zvm_abi::manifest::CLOCK;

use super::files::{OpenFile, flag};
use super::tree::{Device, Generated, Kind, Mount, NodeId};
use super::{Contents, Directory, Last, resolve, tar};
use crate::errno::Errno;
use crate::kernel::Kernel;
use crate::nvram::{Access, MountLine};
use crate::process::PID;
use crate::text::text;

/// The names of the network inside the instance, in front of those that channels have.
const HOSTS: &[u8] = b"127.0.0.1\tlocalhost\n::1\tlocalhost\n";

/// What programs look up of the machine, where no mount says otherwise: its users (every program is user 0) and the names of ports.
const ETC: &[(&[u8], &[u8])] = &[
    (
        b"passwd",
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    ),
    (b"group", b"root:x:0:\nnogroup:x:65534:\n"),
    (b"services", SERVICES),
];

/// Ports that `getaddrinfo` and `getservbyname` are asked for by name.
const SERVICES: &[u8] = b"\
ftp 21/tcp\nssh 22/tcp\ntelnet 23/tcp\nsmtp 25/tcp\nnicname 43/tcp whois\ndomain 53/tcp\ndomain 53/udp\ntftp 69/udp\ngopher 70/tcp\nfinger 79/tcp\nhttp 80/tcp www\n\
pop3 110/tcp\nntp 123/udp\nimap2 143/tcp imap\nldap 389/tcp\nhttps 443/tcp\nhttps 443/udp\nsyslog 514/udp\n\
submission 587/tcp\nldaps 636/tcp\nimaps 993/tcp\npop3s 995/tcp\nmysql 3306/tcp\npostgresql 5432/tcp\nredis 6379/tcp\n\
http-alt 8080/tcp\n";

/// Most mounts.
const MAX_MOUNTS: usize = 1000;

impl Kernel {
    /// Makes the tree; a message for the user if a mount cannot be served.
    pub(crate) fn set_up_files(&mut self, mounts: &[MountLine], cwd: &[u8]) -> Result<(), String> {
        self.mount_all(mounts)?;
        self.system_files()
            .map_err(|errno| text!("cannot make /dev and /proc: {errno:?}"))?;
        for mount in &mut self.tree.mounts {
            mount.changed = false;
        }
        self.files.cwd = self.tree.root;
        self.tree
            .hold(self.files.cwd)
            .map_err(|errno| text!("working directory: {errno:?}"))?;
        self.work_in(cwd)
    }

    /// Mounts more, on top of what there is.
    pub(crate) fn mount_all(&mut self, mounts: &[MountLine]) -> Result<(), String> {
        if self.mounts.len() + mounts.len() > MAX_MOUNTS {
            return Err(text!("more mounts than {MAX_MOUNTS}"));
        }
        for mount in mounts {
            self.mount(mount).map_err(|problem| {
                text!(
                    "cannot mount {}: {problem}",
                    String::from_utf8_lossy(&mount.point)
                )
            })?;
            self.mounts.push(mount.clone());
        }
        Ok(())
    }

    /// Makes this the working directory; the empty path is the one that it is.
    pub(crate) fn work_in(&mut self, path: &[u8]) -> Result<(), String> {
        if path.is_empty() {
            return Ok(());
        }
        let entered = self
            .directory(path)
            .and_then(|directory| self.change_directory(directory));
        entered.map_err(|errno| {
            text!(
                "working directory {}: {errno:?}",
                String::from_utf8_lossy(path)
            )
        })
    }

    fn channel(&self, name: &[u8]) -> Option<u32> {
        self.channels
            .iter()
            .position(|channel| channel.name == name)
            .map(|index| index as u32)
    }

    fn mount(&mut self, line: &MountLine) -> Result<(), String> {
        let missing = |name: &[u8]| text!("there is no channel {}", String::from_utf8_lossy(name));
        let number = self
            .channel(&line.channel)
            .ok_or_else(|| missing(&line.channel))?;
        let out = match &line.out {
            Some(name) => Some(self.channel(name).ok_or_else(|| missing(name))?),
            None => None,
        };
        let channel = &self.channels[number as usize];
        // An empty channel is an empty tar; any other must be mapped, as all files are served from there.
        let image = match channel.mapped {
            Some(image) => image,
            None if channel.size == 0 => &[],
            None => return Err(String::from("its channel is not mapped")),
        };
        let now = self.now();
        let components: Vec<&[u8]> = line
            .point
            .split(|&byte| byte == b'/')
            .filter(|part| !matches!(*part, b"" | b"."))
            .collect();
        let mount = Mount {
            point: Box::from(&line.point[..]),
            root: 0,
            read_only: false,
            changed: false,
            out,
        };
        let root = match components.split_last() {
            None => {
                // The root of all: takes the place of the empty one.
                if self.tree.mounts.len() > 1 {
                    return Err(String::from("`/` must be the first mount"));
                }
                self.tree.mounts[0] = mount;
                self.tree.root
            }
            Some((name, parents)) => {
                let errno = |errno: Errno| text!("{errno:?}");
                let parent = self.make_directories(parents).map_err(errno)?;
                self.tree.mount(parent, name, mount, now).map_err(errno)?
            }
        };
        tar::load(&mut self.tree, root, image).map_err(|error| text!("{error}"))?;
        let index = self
            .tree
            .node(root)
            .map_err(|errno| text!("{errno:?}"))?
            .mount;
        self.tree.mounts[usize::from(index)].read_only = line.access == Access::ReadOnly;
        Ok(())
    }

    /// The directory of these components, made where it is missing.
    fn make_directories(&mut self, components: &[&[u8]]) -> Result<NodeId, Errno> {
        let now = self.now();
        let mut at = self.tree.root;
        for component in components {
            at = match self.tree.directory(at)?.get(component) {
                Some(id) => resolve(&mut self.tree, &self.files, at, component, Last::Followed)
                    .map_or(Ok(id), |found| found.existing())?,
                None => self.make(
                    at,
                    component,
                    Kind::Directory(Directory::default()),
                    0o755,
                    now,
                )?,
            };
        }
        Ok(at)
    }

    /// [`super::Tree::create`] that also works in a mount that the program may not change.
    fn make(
        &mut self,
        parent: NodeId,
        name: &[u8],
        kind: Kind,
        permissions: u16,
        now: super::Time,
    ) -> Result<NodeId, Errno> {
        let index = usize::from(self.tree.node(parent)?.mount);
        let read_only = core::mem::replace(&mut self.tree.mounts[index].read_only, false);
        let made = self.tree.create(parent, name, kind, permissions, now);
        self.tree.mounts[index].read_only = read_only;
        made
    }

    fn directory(&mut self, path: &[u8]) -> Result<NodeId, Errno> {
        let root = self.tree.root;
        let id = resolve(&mut self.tree, &self.files, root, path, Last::Followed)?.existing()?;
        if self.tree.node(id)?.is_directory() {
            Ok(id)
        } else {
            Err(Errno::ENOTDIR)
        }
    }

    fn system_mount(&mut self, name: &[u8]) -> Result<NodeId, Errno> {
        let mount = Mount {
            point: Box::from([b"/", name].concat()),
            root: 0,
            read_only: false,
            changed: false,
            out: None,
        };
        self.tree
            .mount(self.tree.root, name, mount, self.clock.now())
    }

    fn system_files(&mut self) -> Result<(), Errno> {
        let now = self.now();
        // /tmp is writable whatever the root is, and never part of what a mount exports.
        let root_mount = &self.tree.mounts[0];
        if root_mount.read_only || root_mount.out.is_some() {
            let tmp = self.system_mount(b"tmp")?;
            self.tree.node_mut(tmp)?.permissions = 0o1777;
        } else if self.tree.directory(self.tree.root)?.get(b"tmp").is_none() {
            self.tree.create(
                self.tree.root,
                b"tmp",
                Kind::Directory(Directory::default()),
                0o1777,
                now,
            )?;
        }
        let dev = self.system_mount(b"dev")?;
        let devices = [
            (&b"null"[..], Device::Null),
            (b"zero", Device::Zero),
            (b"full", Device::Full),
            (b"random", Device::Random),
            (b"urandom", Device::Random),
            (b"tty", Device::Terminal),
            (b"snapshot", Device::Snapshot),
        ];
        for (name, device) in devices {
            self.tree
                .create(dev, name, Kind::Device(device), 0o666, now)?;
        }
        let links = [
            (&b"fd"[..], &b"/proc/self/fd"[..]),
            (b"stdin", b"/proc/self/fd/0"),
            (b"stdout", b"/proc/self/fd/1"),
            (b"stderr", b"/proc/self/fd/2"),
        ];
        for (name, target) in links {
            self.tree
                .create(dev, name, Kind::Symlink(Box::from(target)), 0o777, now)?;
        }
        self.tree.create(
            dev,
            b"shm",
            Kind::Directory(Directory::default()),
            0o1777,
            now,
        )?;
        self.channel_files(now)?;
        self.proc_files(now)?;
        // What a mount exports has nothing that was not in it.
        if self.tree.mounts[0].out.is_some() {
            return Ok(());
        }
        self.etc_files(now)
    }

    fn etc_files(&mut self, now: super::Time) -> Result<(), Errno> {
        let etc = self.make_directories(&[b"etc"])?;
        if !self.tree.node(etc)?.is_directory() {
            return Ok(());
        }
        let all = ETC
            .iter()
            .copied()
            .chain([(&b"hosts"[..], self.hosts_text())]);
        for (name, text) in all {
            if self.tree.directory(etc)?.get(name).is_none() {
                let contents = Contents::image(text);
                self.make(etc, name, Kind::File(contents), 0o644, now)?;
            }
        }
        Ok(())
    }

    /// What /etc/hosts says where no mount says otherwise. It lives as long as the instance, as the other files' bytes.
    fn hosts_text(&self) -> &'static [u8] {
        [HOSTS, &self.outside.hosts()].concat().leak()
    }

    /// Gives the channels from this number on to sockets, and their names to whoever looks them up.
    pub(crate) fn more_outside(&mut self, first: usize) -> Result<(), Errno> {
        let before = self.hosts_text();
        let aliases = self.channels.iter().map(|channel| &channel.name[..]);
        self.outside.add((0..).zip(aliases).skip(first));
        let root = self.tree.root;
        let file = resolve(
            &mut self.tree,
            &self.files,
            root,
            b"/etc/hosts",
            Last::Followed,
        );
        let Ok(id) = file.and_then(|found| found.existing()) else {
            return Ok(());
        };
        let text = self.hosts_text();
        if let Kind::File(contents) = &mut self.tree.node_mut(id)?.kind
            && contents.size() == before.len() as u64
            && contents.equals(0, before)
        {
            *contents = Contents::image(text);
        }
        Ok(())
    }

    /// Descriptors 0 to 2, and a device for every channel that is no mount's.
    fn channel_files(&mut self, now: super::Time) -> Result<(), Errno> {
        for number in 0..3.min(self.channels.len() as u32) {
            let kind = Kind::Device(Device::Channel(number));
            let name = self.channels[number as usize].name.clone();
            let node = self.tree.add(super::Node::new(kind, 0o600, 0, now))?;
            let flags = if number == 0 { 0 } else { flag::WRONLY };
            self.tree.hold(node)?;
            self.files
                .add(OpenFile::new(node, flags, name), false, 3)
                .map_err(|(errno, _)| errno)?;
        }
        self.channel_devices(3)
    }

    /// A device for every channel from this number on that is no mount's.
    pub(crate) fn channel_devices(&mut self, first: usize) -> Result<(), Errno> {
        let now = self.now();
        for number in first..self.channels.len() {
            let name = self.channels[number].name.clone();
            if number > 3 && (name.starts_with(b"/dev/mount/") || name == CLOCK.as_bytes()) {
                continue;
            }
            let components: Vec<&[u8]> = name
                .split(|&byte| byte == b'/')
                .filter(|part| !part.is_empty())
                .collect();
            let Some((last, parents)) = components.split_last() else {
                continue;
            };
            let parent = self.make_directories(parents)?;
            if self.tree.directory(parent)?.get(last).is_none() {
                let kind = Kind::Device(Device::Channel(number as u32));
                self.make(parent, last, kind, 0o666, now)?;
            }
        }
        Ok(())
    }

    fn proc_files(&mut self, now: super::Time) -> Result<(), Errno> {
        let proc = self.system_mount(b"proc")?;
        let directory = || Kind::Directory(Directory::default());
        let number = text!("{PID}");
        let own = self
            .tree
            .create(proc, number.as_bytes(), directory(), 0o555, now)?;
        self.tree.create(
            proc,
            b"self",
            Kind::Symlink(Box::from(number.as_bytes())),
            0o777,
            now,
        )?;
        self.tree.create(
            proc,
            b"thread-self",
            Kind::Symlink(Box::from(number.as_bytes())),
            0o777,
            now,
        )?;
        self.tree
            .create(own, b"fd", Kind::Descriptors, 0o500, now)?;
        let exe = self.program_path();
        for (name, target) in [(&b"exe"[..], &exe[..]), (b"root", b"/")] {
            self.tree
                .create(own, name, Kind::Symlink(Box::from(target)), 0o777, now)?;
        }
        let own_files = [
            ("maps", Generated::Maps),
            ("cmdline", Generated::Cmdline),
            ("environ", Generated::Environ),
            ("status", Generated::Status),
            ("stat", Generated::Stat),
            ("statm", Generated::Statm),
            ("comm", Generated::Comm),
            ("mounts", Generated::Mounts),
        ];
        for (name, what) in own_files {
            self.tree
                .create(own, name.as_bytes(), Kind::Generated(what), 0o444, now)?;
        }
        for (name, what) in [
            ("meminfo", Generated::Meminfo),
            ("cpuinfo", Generated::Cpuinfo),
            ("uptime", Generated::Uptime),
            ("version", Generated::Version),
        ] {
            self.tree
                .create(proc, name.as_bytes(), Kind::Generated(what), 0o444, now)?;
        }
        self.tree.create(
            proc,
            b"mounts",
            Kind::Symlink(Box::from(&b"self/mounts"[..])),
            0o777,
            now,
        )?;
        let index = usize::from(self.tree.node(proc)?.mount);
        self.tree.mounts[index].read_only = true;
        Ok(())
    }

    /// What /proc/self/exe says: argv[0] as an absolute path. The image itself is no file of the guest's.
    pub(crate) fn program_path(&self) -> Vec<u8> {
        match self.args.first() {
            Some(name) if name.starts_with(b"/") => name.clone(),
            Some(name) => [b"/", &name[..]].concat(),
            None => b"/program".to_vec(),
        }
    }

    /// A new anonymous file (`memfd_create`, `O_TMPFILE`), with no name yet.
    pub(crate) fn anonymous(&mut self, mount: u16, permissions: u16) -> Result<NodeId, Errno> {
        let now = self.now();
        self.tree.add(super::Node::new(
            Kind::File(Contents::default()),
            permissions,
            mount,
            now,
        ))
    }
}
