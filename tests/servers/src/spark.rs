//! Spark: PySpark with the packages that read Delta, Avro and Kafka.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{ServerError, artifacts, process::run};

/// A change makes a new environment.
const VERSION: &str = "4.1.1-2";
/// PySpark, and what runs and plots a notebook.
const PYTHON: [&str; 5] =
    ["pyspark==4.1.1", "ipykernel==7.4.0", "matplotlib==3.11.2", "nbclient==0.11.0", "nbformat==5.11.1"];
/// As `spark-submit --packages` would name them; fetched once, so that a test needs no network.
const JARS: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>beamline</groupId>
  <artifactId>spark</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>io.delta</groupId><artifactId>delta-spark_2.13</artifactId><version>4.1.0</version></dependency>
    <dependency><groupId>org.apache.spark</groupId><artifactId>spark-avro_2.13</artifactId><version>4.1.1</version></dependency>
    <dependency><groupId>org.apache.spark</groupId><artifactId>spark-sql-kafka-0-10_2.13</artifactId><version>4.1.1</version></dependency>
  </dependencies>
</project>
"#;
/// Spark has these itself, in other versions than the packages ask for.
const SPARKS_OWN: [&str; 6] = ["hadoop-", "log4j-", "scala-library", "slf4j-", "snappy-java", "lz4-java"];
const SETTINGS: [&str; 7] = [
    "spark.ui.enabled=false",
    "spark.sql.shuffle.partitions=2",
    // Of Delta's log: 50 tasks for a few hundred files take longer than they read.
    "spark.databricks.delta.snapshotPartitions=2",
    "spark.driver.bindAddress=127.0.0.1",
    "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
    // As on a machine that is not in UTC, where a time of day taken for an instant is another instant.
    "spark.driver.extraJavaOptions=-Duser.timezone=Asia/Kolkata",
];

/// What runs Spark jobs on this machine.
#[derive(Debug)]
pub struct Spark {
    home: PathBuf,
}

impl Spark {
    /// Fetch it from PyPI and Maven where it is not there yet (700 MB).
    ///
    /// # Errors
    /// Where Python, Java or Maven is missing, or something cannot be fetched.
    pub fn get() -> Result<Self, ServerError> {
        let home = artifacts::folder("spark", VERSION, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
            let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
            run(Command::new(folder.join("bin/python")).args(pip).args(PYTHON))?;
            std::fs::write(folder.join("pom.xml"), JARS).map_err(ServerError::file(folder))?;
            let copy =
                ["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=packages"];
            run(Command::new("mvn").args(copy).current_dir(folder)).map(drop)
        })?;
        Ok(Self { home })
    }

    /// `spark-submit --master local[2]` with a job's file and its arguments; what it printed.
    ///
    /// # Errors
    /// Where the job fails, with the end of what it said.
    pub fn submit(&self, job: &str, arguments: &[&str]) -> Result<String, ServerError> {
        let spark = PathBuf::from(run(self.python().args(["-m", "pyspark.find_spark_home"]))?.trim());
        let mut submit = self.command(&spark.join("bin/spark-submit"));
        run(submit.args(self.options()?).arg(job).args(arguments))
    }

    /// Runs a Python program that starts Spark itself, with the same settings; what it printed.
    ///
    /// # Errors
    /// Where it fails, with the end of what it said.
    pub fn run(&self, program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<String, ServerError> {
        let mut python = self.python();
        python.arg(program).args(arguments).envs(variables.iter().copied());
        python.env("PYSPARK_SUBMIT_ARGS", format!("{} pyspark-shell", self.options()?.join(" ")));
        run(&mut python)
    }

    fn python(&self) -> Command {
        self.command(&self.home.join("bin/python"))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("PYSPARK_PYTHON", self.home.join("bin/python")).env("SPARK_LOCAL_IP", "127.0.0.1");
        command
    }

    /// What `spark-submit` is told before the job.
    fn options(&self) -> Result<Vec<String>, ServerError> {
        let packages = self.home.join("packages");
        let jars = std::fs::read_dir(&packages).map_err(ServerError::file(&packages))?;
        let is_sparks_own = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            SPARKS_OWN.iter().any(|own| name.starts_with(own))
        };
        let jars: Vec<String> = jars
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| !is_sparks_own(path))
            .map(|path| path.display().to_string())
            .collect();
        let jars = jars.join(",");
        let fixed = ["--master", "local[2]", "--driver-memory", "1g", "--jars", &jars];
        let settings = SETTINGS.iter().flat_map(|setting| ["--conf", setting]);
        Ok(fixed.into_iter().chain(settings).map(str::to_owned).collect())
    }
}
