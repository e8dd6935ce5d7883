//! Small banks and sections for the tests of drawing.

use super::{
    blueprint::{Blueprint, Filter, Quota, Section},
    pool::{Candidate, Pool, Prepared},
};
use crate::bank::content::Kind::{self, SingleChoice};

pub(super) fn candidate(
    id: usize,
    kind: Kind,
    topic: &str,
    tagged: bool,
    difficulty: Option<f64>,
) -> Candidate {
    Candidate {
        question: format!("q{id:05}").into(),
        version: 1,
        kind,
        topic: topic.into(),
        tags: if tagged { vec!["t".into()] } else { vec![] },
        difficulty,
        knowledge_point: "".into(),
    }
}

pub(super) fn section(count: u32, topics: &[&str], quotas: &[(&str, u32)]) -> Section {
    Section {
        title: "单选题".into(),
        instructions: String::new(),
        kinds: vec![SingleChoice],
        count,
        points_each: 2.into(),
        filter: Filter { topics: topics.iter().map(|t| (*t).to_owned()).collect(), ..Filter::default() },
        quotas: quotas.iter().map(|(t, count)| Quota { topic: (*t).into(), count: *count }).collect(),
        fixed: Vec::new(),
        policy: None,
    }
}

pub(super) fn bank(topics: &[(&str, usize)]) -> Vec<Candidate> {
    let topics = topics.iter().flat_map(|(topic, count)| std::iter::repeat_n(*topic, *count));
    topics.enumerate().map(|(id, topic)| candidate(id, SingleChoice, topic, false, None)).collect()
}

pub(super) fn prepare(bank: &[Candidate], sections: Vec<Section>) -> Prepared {
    Pool::new(bank.to_vec()).prepare(&Blueprint::try_new(sections, None).unwrap())
}
