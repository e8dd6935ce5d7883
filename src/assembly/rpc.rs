//! stub
use crate::{db::Unit, auth::Caller, ids::*, error::Result, assembly::blueprint::Blueprint};
/// stub
pub async fn insert_declared(_u: &mut Unit, _c: &Caller, _n: &BlueprintName, _b: &BankName, _t: &str, _m: Blueprint) -> Result<()> { Ok(()) }
