//! Compiles `proto/` with protox, in this process: a bare toolchain builds the crate, no protoc needed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    // `sqlx::migrate!` embeds the migrations; a new file must rebuild the crate.
    println!("cargo:rerun-if-changed=migrations");

    let mut files: Vec<PathBuf> = fs::read_dir("proto/assessment/v1")?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|f| f.extension().is_some_and(|e| e == "proto"));
    files.push("proto/google/longrunning/operations.proto".into());
    files.sort();

    let descriptors = protox::compile(&files, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("assessment.v1.bin"), descriptors.encode_to_vec())?;
    let mut names = tonic_prost_build::Config::new();
    names.enable_type_names();
    tonic_prost_build::configure()
        // Ordered maps encode the same way every time: a request's hash must not depend on chance.
        .btree_map(".")
        .extern_path(".google.rpc", "::tonic_types::pb")
        // Requests are counted before they are taken apart, by their names.
        .codec_path("crate::codec::Counted")
        .compile_fds_with_config(descriptors, names)?;
    Ok(())
}
