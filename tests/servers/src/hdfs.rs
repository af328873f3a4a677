//! HDFS: a name node and three data nodes, each a process of its own, and every block on two of them.

use std::{
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    Node, ServerError, artifacts, free_port, http_get,
    node::{Ready, Recipe},
    process,
    scratch::Scratch,
};

const VERSION: &str = "3.4.1";
const DATA_NODES: usize = 3;
const NAME_NODE: &str = "org.apache.hadoop.hdfs.server.namenode.NameNode";
const DATA_NODE: &str = "org.apache.hadoop.hdfs.server.datanode.DataNode";

/// How long the data nodes may take to report to the name node.
const REPORT_LIMIT: Duration = Duration::from_secs(60);

/// A running HDFS. Whoever comes may read and write everything.
#[derive(Debug)]
pub struct Hdfs {
    name_node: Node,
    data_nodes: Vec<Node>,
    port: u16,
    http_port: u16,
    // After the nodes: their folder goes last.
    _scratch: Scratch,
}

impl Hdfs {
    /// Start it and wait until all its data nodes have reported.
    pub fn start() -> Result<Self, ServerError> {
        let home = artifacts::folder("hdfs", VERSION, |folder| {
            artifacts::fetch_jars(include_str!("../artifacts/hdfs/pom.xml"), folder)
        })?;
        let scratch = Scratch::new("hdfs")?;
        let (port, http_port) = (free_port(), free_port());
        scratch.write("core-site.xml", &xml(&[("fs.defaultFS", format!("hdfs://127.0.0.1:{port}"))]))?;
        scratch.write("hdfs-site.xml", &xml(&settings(&scratch, port, http_port)))?;
        let jars = format!("{}:{}", scratch.path().display(), home.join("lib/*").display());
        process::run(Command::new("java").args(java(scratch.path(), &jars)).args([
            NAME_NODE,
            "-format",
            "-nonInteractive",
        ]))?;

        let name_node = Node::new(recipe(scratch.path(), "name-node", &jars, &[NAME_NODE.to_owned()], port));
        let data_nodes = (1..=DATA_NODES).map(|number| {
            let data = scratch.path().join(format!("data-{number}"));
            let data_port = free_port();
            let option = |name: &str, value: String| ["-D".to_owned(), format!("{name}={value}")];
            let args = [
                [DATA_NODE.to_owned()].to_vec(),
                option("dfs.datanode.data.dir", data.display().to_string()).to_vec(),
                option("dfs.datanode.address", format!("127.0.0.1:{data_port}")).to_vec(),
                option("dfs.datanode.http.address", format!("127.0.0.1:{}", free_port())).to_vec(),
                option("dfs.datanode.ipc.address", format!("127.0.0.1:{}", free_port())).to_vec(),
            ];
            Node::new(recipe(scratch.path(), &format!("data-node-{number}"), &jars, &args.concat(), data_port))
        });
        let data_nodes: Vec<Node> = data_nodes.collect();
        name_node.start()?;
        data_nodes.iter().try_for_each(Node::launch)?;
        data_nodes.iter().try_for_each(Node::await_ready)?;
        let hdfs = Self { name_node, data_nodes, port, http_port, _scratch: scratch };
        hdfs.await_reports(DATA_NODES)?;
        Ok(hdfs)
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("hdfs://127.0.0.1:{}/{path}", self.port)
    }

    /// The process of the name node.
    pub fn name_node(&self) -> &Node {
        &self.name_node
    }

    /// The processes of the data nodes.
    pub fn data_nodes(&self) -> &[Node] {
        &self.data_nodes
    }

    /// Wait until so many data nodes have reported to the name node, and it takes changes.
    pub fn await_reports(&self, count: usize) -> Result<(), ServerError> {
        let start = Instant::now();
        loop {
            self.name_node.check()?;
            let state = self.state("FSNamesystemState").unwrap_or_default();
            let safe = self.state("NameNodeInfo").is_ok_and(|info| info.contains("\"Safemode\" : \"\""));
            if safe && state.contains(&format!("\"NumLiveDataNodes\" : {count}")) {
                return Ok(());
            }
            if start.elapsed() > REPORT_LIMIT {
                return Err(ServerError::Options(format!(
                    "HDFS has not {count} data nodes after {REPORT_LIMIT:?}: {state}"
                )));
            }
            sleep(Duration::from_millis(100));
        }
    }

    fn state(&self, of: &str) -> Result<String, ServerError> {
        let (_, body) =
            http_get(&format!("http://127.0.0.1:{}/jmx?qry=Hadoop:service=NameNode,name={of}", self.http_port))?;
        Ok(body)
    }
}

fn settings(scratch: &Scratch, port: u16, http_port: u16) -> Vec<(&'static str, String)> {
    vec![
        ("dfs.namenode.name.dir", scratch.path().join("names").display().to_string()),
        ("dfs.namenode.rpc-address", format!("127.0.0.1:{port}")),
        ("dfs.namenode.http-address", format!("127.0.0.1:{http_port}")),
        ("hadoop.tmp.dir", scratch.path().join("tmp").display().to_string()),
        ("dfs.replication", "2".to_owned()),
        ("dfs.permissions.enabled", "false".to_owned()),
        // A data node that is away is missed after 15 s instead of 10 minutes.
        ("dfs.heartbeat.interval", "1".to_owned()),
        ("dfs.namenode.heartbeat.recheck-interval", "2500".to_owned()),
        ("dfs.namenode.safemode.extension", "0".to_owned()),
    ]
}

fn xml(settings: &[(&'static str, String)]) -> String {
    let properties = settings
        .iter()
        .map(|(name, value)| format!("  <property><name>{name}</name><value>{value}</value></property>\n"));
    format!("<configuration>\n{}</configuration>\n", properties.collect::<String>())
}

/// Small, and quick to start; what its web servers unpack goes with the folder.
fn java(folder: &Path, jars: &str) -> [String; 6] {
    let temporary = format!("-Djava.io.tmpdir={}", folder.display());
    ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", &temporary, "-cp", jars].map(str::to_owned)
}

fn recipe(folder: &Path, name: &str, jars: &str, args: &[String], port: u16) -> Recipe {
    Recipe {
        name: name.to_owned(),
        program: "java".to_owned(),
        args: java(folder, jars).into_iter().chain(args.iter().cloned()).collect(),
        envs: Vec::new(),
        log: folder.join(format!("{name}.log")),
        ready: vec![Ready::Port(port)],
    }
}
