//! Spark: PySpark with the packages that read Delta, Avro and Kafka.

use std::{path::PathBuf, process::Command};

use crate::{ServerError, artifacts, process::run};

const VERSION: &str = "4.1.1";
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

/// What runs Spark jobs on this machine.
#[derive(Debug)]
pub struct Spark {
    home: PathBuf,
}

impl Spark {
    /// Fetch it from PyPI and Maven where it is not there yet (600 MB).
    ///
    /// # Errors
    /// Where Python, Java or Maven is missing, or something cannot be fetched.
    pub fn get() -> Result<Self, ServerError> {
        let home = artifacts::folder("spark", VERSION, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
            let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "pyspark==4.1.1"];
            run(Command::new(folder.join("bin/python")).args(pip))?;
            let file = |source| ServerError::File { path: folder.to_owned(), source };
            std::fs::write(folder.join("pom.xml"), JARS).map_err(file)?;
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
        let packages = self.home.join("packages");
        let file = |source| ServerError::File { path: packages.clone(), source };
        let jars = std::fs::read_dir(&packages).map_err(file)?.flatten().map(|entry| entry.path());
        let is_sparks_own = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            SPARKS_OWN.iter().any(|own| name.starts_with(own))
        };
        let jars: Vec<String> =
            jars.filter(|path| !is_sparks_own(path)).map(|path| path.display().to_string()).collect();
        let python = self.home.join("bin/python");
        let spark = PathBuf::from(run(Command::new(&python).args(["-m", "pyspark.find_spark_home"]))?.trim());
        let conf = [
            "spark.ui.enabled=false",
            "spark.sql.shuffle.partitions=2",
            "spark.driver.bindAddress=127.0.0.1",
            "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
        ];
        let conf = conf.iter().flat_map(|setting| ["--conf", setting]);
        run(Command::new(spark.join("bin/spark-submit"))
            .args(["--master", "local[2]", "--driver-memory", "1g", "--jars", &jars.join(",")])
            .args(conf)
            .arg(job)
            .args(arguments)
            .env("PYSPARK_PYTHON", &python)
            .env("SPARK_LOCAL_IP", "127.0.0.1"))
    }
}
