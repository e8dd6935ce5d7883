//! Invented papers, one or more per shape, with what the reader must find in them.

use super::Paper;

/// All of them.
pub(super) const PAPERS: &[Paper] = &[
    Paper {
        name: "glued keys",
        lines_matter: false,
        text: r#"园艺基础题库Revised at 8:20 am on May 12, 2018试题库:课题一土壤三、单项选择题1.沙土的主要毛病是 BA.透气差B.保水差C.太黏D.太重2.测酸碱用的仪器是AA.pH计B.GPSC.LEDD.尺四、多项选择题1.腐熟肥料有 ACDA.堆肥B.塑料C.厩肥D.绿肥试题库:课题二水分三、单项选择题1.浇水的最佳时间是 CA.正午B.深夜C.清晨D.黄昏2.水多了会 DA.开花B.结果C.发芽D.烂根四、多项选择题1.节水办法有 ABA.滴灌B.喷灌C.漫灌D.冲灌
"#,
        found: r#"single_choice - - -
1 沙土的主要毛病是 [A透气差 B保水差 C太黏 D太重] ["B"]
2 测酸碱用的仪器是 [ApH计 BGPS CLED D尺] ["A"]
multiple_choice - - -
1 腐熟肥料有 [A堆肥 B塑料 C厩肥 D绿肥] ["A","C","D"]
single_choice - - -
1 浇水的最佳时间是 [A正午 B深夜 C清晨 D黄昏] ["C"]
2 水多了会 [A开花 B结果 C发芽 D烂根] ["D"]
multiple_choice - - -
1 节水办法有 [A滴灌 B喷灌 C漫灌 D冲灌] ["A","B"]"#,
        codes: "glued_line key_glued_to_option_label section_ordinals_start_at_three",
    },
    Paper {
        name: "prefix brackets",
        lines_matter: false,
        text: r#"烹饪入门(乙卷)含答案一、单选题(本大题共3分,每题1分)()1.最先下锅的是A、油B、盐()2.焯水一般用()度的水A、温B、沸C、冷D、冰()3.收汁是指把汤汁烧浓
"#,
        found: r#"single_choice - 1 3
1 最先下锅的是 [A油 B盐] null
2 焯水一般用()度的水 [A温 B沸 C冷 D冰] null
3 收汁是指把汤汁烧浓 [] null ~"#,
        codes: "bracket_in_stem glued_line no_answer_key number_after_answer_bracket truncated_question",
    },
    Paper {
        name: "spaced numbers",
        lines_matter: false,
        text: r#"1 . 最亮的恒星叫A.天狼星B.织女星答案:A2 . 1781年发现的行星叫A.火星B.天王星答案:B3 . 属于行星的有A.月球B.木星C.土星答案:B、C4 . 月球自己会发光。
"#,
        found: r#"single_choice - - -
1 最亮的恒星叫 [A天狼星 B织女星] ["A"]
2 1781年发现的行星叫 [A火星 B天王星] ["B"]
multiple_choice - - -
3 属于行星的有 [A月球 B木星 C土星] ["B","C"]
true_false - - -
4 月球自己会发光。 [] null ~"#,
        codes: "glued_line key_glued_to_next_number no_section_headers truncated_question",
    },
    Paper {
        name: "bracket keys",
        lines_matter: false,
        text: r#"一、单项选择题(共4题,每题3分,合计12分)
1.鱼的呼吸器官称为( C )
A.肺 B.皮 C.鳃
D.气囊
2.(B )是最大的鱼。
A.鲤 B.鲸鲨 C.鲫 D.草鱼
3.常借( A )装置测量水温。
A.热电偶 B.尺子
C.秤 D.钟
4.水族箱分3档( D )计价
A.一 B.二 C.三 D.四
二、判断题(每题1分,共3分)
1.鱼用鳃呼吸。(√)
2.鲸是鱼。(×)
3.水里有氧。(对)
"#,
        found: r#"single_choice 4 3 12
1 鱼的呼吸器官称为() [A肺 B皮 C鳃 D气囊] ["C"]
2 ()是最大的鱼。 [A鲤 B鲸鲨 C鲫 D草鱼] ["B"]
3 常借()装置测量水温。 [A热电偶 B尺子 C秤 D钟] ["A"]
4 水族箱分3档()计价 [A一 B二 C三 D四] ["D"]
true_false - 1 3
1 鱼用鳃呼吸。() [] true
2 鲸是鱼。() [] false
3 水里有氧。() [] true"#,
        codes: "",
    },
    Paper {
        name: "answer table",
        lines_matter: false,
        text: r#"气象基础试题
一、选择题
1.云由什么组成?
A、水滴
B、沙
2.风的单位是?
A、米
B、米每秒
3.雨量计测什么?
A、雨
B、风
二、判断题
4.雷比闪电快。
5.云是白的。
参考答案:1.A 2.B 3.A 4.× 5.√
"#,
        found: r#"single_choice - - -
1 云由什么组成? [A水滴 B沙] ["A"]
2 风的单位是? [A米 B米每秒] ["B"]
3 雨量计测什么? [A雨 B风] ["A"]
true_false - - -
4 雷比闪电快。 [] false
5 云是白的。 [] true"#,
        codes: "",
    },
    Paper {
        name: "range table",
        lines_matter: false,
        text: r#"一、单选题 1.甲为何物 A.金 B.银 2.乙为何物 A.金 B.银 3.丙为何物 A.金 B.银 答案:1-3 ABB
"#,
        found: r#"single_choice - - -
1 甲为何物 [A金 B银] ["A"]
2 乙为何物 [A金 B银] ["B"]
3 丙为何物 [A金 B银] ["B"]"#,
        codes: "glued_line",
    },
    Paper {
        name: "subjective",
        lines_matter: true,
        text: r#"物流案例卷(A卷)(开卷)考试时间:60分钟 满分50分
一、名词解释(每题5分,共10分)
1.配送
2.仓储
二、简答题(每题10分,共20分)
1.简述仓储的作用。
答案:(1)保管;(2)调节。
2.什么叫配送?
答:按订单送货。
三、案例分析题(共20分)
老王2018年买了3辆车,每月亏损2.5万元。他说:“再这样下去要关门。”
1、老王的问题出在哪里?
2、你的建议是什么?
"#,
        found: r#"short_answer - 5 10
1 配送 [] null
2 仓储 [] null
short_answer - 10 20
1 简述仓储的作用。 [] "(1)保管;(2)调节。"
2 什么叫配送? [] "按订单送货。"
case_analysis - - 20
1 老王的问题出在哪里? [] null
2 你的建议是什么? [] null"#,
        codes: "",
    },
    Paper {
        name: "odd points",
        lines_matter: false,
        text: r#"一、填空题(把答案写在答题纸上。每小题 2 分,共 4 分)
1.彩虹有____种颜色,最外圈是____色。
2.光的速度约为每秒____公里。
二、判断题(本大题共2分,每题1分)
1.光走直线。( √ )
2.影子是光。( × )
"#,
        found: r#"fill_blank - 2 4
1 彩虹有____种颜色,最外圈是____色。 [] null
2 光的速度约为每秒____公里。 [] null
true_false - 1 2
1 光走直线。() [] true
2 影子是光。() [] false"#,
        codes: "",
    },
    Paper {
        name: "explanation contradicts",
        lines_matter: false,
        text: r#"第一部分:单项选择题(共2题,每题2分)
1、纸的主要原料来自?
A、木材
B、石头
C、水
D、沙
【答案】A
【解析】正确答案是C。木材含纤维。A项最常见,B、C、D都不合适。知识点:造纸。易错点:误选C。
2、墨的主要成分?
A、炭
B、铁
C、铜
D、盐
【答案】A
【解析】正确答案是A。知识点:制墨。易错点:误以为2、3两种都可以。
"#,
        found: r#"single_choice 2 2 -
1 纸的主要原料来自? [A木材 B石头 C水 D沙] ["A"]
2 墨的主要成分? [A炭 B铁 C铜 D盐] ["A"]"#,
        codes: "key_contradicts_explanation",
    },
    Paper {
        name: "latin options",
        lines_matter: false,
        text: r#"一、单选题
1.断电时供电的设备叫( B )
A.LED B.UPS C.CPU D.GPS2.网页的标记语言叫( A )
A.HTMLB.CSSC.PERLD.RUST3.血型最常见的一类( C )
A.A型B.B型C.O型D.AB型
"#,
        found: r#"single_choice - - -
1 断电时供电的设备叫() [ALED BUPS CCPU DGPS] ["B"]
2 网页的标记语言叫() [AHTML BCSS CPERL DRUST] ["A"]
3 血型最常见的一类() [AA型 BB型 CO型 DAB型] ["C"]"#,
        codes: "",
    },
    Paper {
        name: "no separator",
        lines_matter: true,
        text: r#"一、单选题
1.交通灯停的颜色 (A)
A红 B黄 C绿
2.交通灯行的颜色 (C)
A红 B黄 C绿
"#,
        found: r#"single_choice - - -
1 交通灯停的颜色 () [A红 B黄 C绿] ["A"]
2 交通灯行的颜色 () [A红 B黄 C绿] ["C"]"#,
        codes: "options_without_separator",
    },
    Paper {
        name: "truth words",
        lines_matter: false,
        text: r#"三、判断题
1、水往高处流。
【答案】错误
2、火是热的。
【答案】正确
3、冰是热的。 答案:×
"#,
        found: r#"true_false - - -
1 水往高处流。 [] false
2 火是热的。 [] true
3 冰是热的。 [] false"#,
        codes: "section_ordinals_start_at_three",
    },
    Paper {
        name: "articles",
        lines_matter: true,
        text: r#"园丁的岗位职责
园丁的岗位职责
园丁的岗位职责园丁负责花园。
一、日常管理
1. 浇水:按时浇水。
2. 施肥:按季施肥。
2.1 春季多施。
二、工具管理
1、保管剪刀。
2、保管水管(GPS定位)。
"#,
        found: r#""#,
        codes: "",
    },
    Paper {
        name: "slides",
        lines_matter: true,
        text: r#"PART01
0102ABCD主题词20%
010203浇水要点浇透为止A区B区
目录CONTENTS
"#,
        found: r#""#,
        codes: "",
    },
    Paper {
        name: "truncated",
        lines_matter: true,
        text: r#"1、茶叶按发酵分类?
A、绿茶
B、红茶
【答案】A
【解析】正确答案是A。知识点:分类。易错点:无。
2、茶的原产地?
A、中国
"#,
        found: r#"single_choice - - -
1 茶叶按发酵分类? [A绿茶 B红茶] ["A"]
2 茶的原产地? [A中国] null ~"#,
        codes: "no_section_headers truncated_question",
    },
    Paper {
        name: "furniture",
        lines_matter: true,
        text: r#"茶艺题库.docxVIP
  1. 1、本站所有内容均由合作方或网友上传,不退款。
查看更多
茶艺题库
一、单选题(共1题,每题1分)
1、泡绿茶的水温?
A、80度
B、100度
【答案】A
您可能关注的文档
文档评论(0)
"#,
        found: r#"single_choice 1 1 -
1 泡绿茶的水温? [A80度 B100度] ["A"]"#,
        codes: "",
    },
    Paper {
        name: "key conflict",
        lines_matter: false,
        text: r#"一、单选题
1.蜂蜜来自(A)
A.蜜蜂 B.蝴蝶
答案:B
"#,
        found: r#"single_choice - - -
1 蜂蜜来自() [A蜜蜂 B蝴蝶] ["B"]"#,
        codes: "key_conflict",
    },
    Paper {
        name: "missing option",
        lines_matter: false,
        text: r#"一、单选题
1.醋的味道( E )
A.酸 B.甜 C.苦 D.辣
"#,
        found: r#"single_choice - - -
1 醋的味道() [A酸 B甜 C苦 D辣] ["E"]"#,
        codes: "key_names_missing_option",
    },
    Paper {
        name: "ambiguous glued",
        lines_matter: false,
        text: r#"一、单选题
1.补血要吃的维生素 CA.铁 B.铜
2.补钙要吃什么A.奶 B.糖
3.补碘要吃什么A.海带 B.糖
"#,
        found: r#"single_choice - - -
1 补血要吃的维生素 C [A铁 B铜] null
2 补钙要吃什么 [A奶 B糖] null
3 补碘要吃什么 [A海带 B糖] null"#,
        codes: "key_ambiguous no_answer_key",
    },
    Paper {
        name: "no bracket truth",
        lines_matter: false,
        text: r#"判断题(每题2分,共4分)
1.石头会沉。√
2.木头会沉。×
"#,
        found: r#"true_false - 2 4
1 石头会沉。 [] true
2 木头会沉。 [] false"#,
        codes: "",
    },
    Paper {
        name: "interleaved header",
        lines_matter: true,
        text: r#"一、单选题(共1题,每题5分)
1.船浮在水上靠( A )
A.浮力 B.拉力
四、情境题(每
得到的分数
题5分,共5分)
1、船漏水了。问:1)怎么办?2)找谁?
"#,
        found: r#"single_choice 1 5 -
1 船浮在水上靠() [A浮力 B拉力] ["A"]
scenario - 5 5
1 船漏水了。问:1)怎么办?2)找谁? [] null"#,
        codes: "section_header_wrapped_and_interleaved",
    },
    Paper {
        name: "conflicting titles",
        lines_matter: true,
        text: r#"航海测验(卷乙)
航海测验(卷甲)
一、单选题
1.指北的工具叫( A )
A.罗盘 B.钟
"#,
        found: r#"single_choice - - -
1 指北的工具叫() [A罗盘 B钟] ["A"]"#,
        codes: "title_conflict",
    },
    Paper {
        name: "two copies",
        lines_matter: true,
        text: r#"甲题库
一、单选题
1.最硬的东西叫( A )
A.金刚石(钻石) B.铁
2.最软的东西叫( B )
A.铁 B.水
乙题库
一、单选题1.最硬的东西叫 AA.金刚石钻石B.铁2.最软的东西叫 BA.铁B.水
"#,
        found: r#"single_choice - - -
1 最硬的东西叫() [A金刚石(钻石) B铁] ["A"]
2 最软的东西叫() [A铁 B水] ["B"]
single_choice - - -"#,
        codes: "duplicate_questions key_glued_to_option_label",
    },
    Paper {
        name: "indeterminate",
        lines_matter: false,
        text: r#"三、不定项选择题(每题2分,共4分)
1.下列属于金属的有( AB )
A.铁 B.铜 C.木
2.下列属于气体的有( C )
A.铁 B.铜 C.氧
"#,
        found: r#"indeterminate_choice - 2 4
1 下列属于金属的有() [A铁 B铜 C木] ["A","B"]
2 下列属于气体的有() [A铁 B铜 C氧] ["C"]"#,
        codes: "section_ordinals_start_at_three",
    },
    Paper {
        name: "parenthesized numbers",
        lines_matter: false,
        text: r#"(一)单选题
(1)一年有几季?A.四 B.五
(2)一周有几天?A.七 B.八
(二)判断题
(1)一天有24小时。(√)
(2)一年有13个月。(×)
"#,
        found: r#"single_choice - - -
1 一年有几季? [A四 B五] null ~
2 一周有几天? [A七 B八] null ~
true_false - - -
1 一天有24小时。() [] true
2 一年有13个月。() [] false"#,
        codes: "no_answer_key",
    },
    Paper {
        name: "odd doubles",
        lines_matter: true,
        text: r#"一、单选题
1.、牛有几条腿 (B)
A ．二 B ．四
2、.鸡有几条腿 (A)
A ．二 B ．四
"#,
        found: r#"single_choice - - -
1 牛有几条腿 () [A二 B四] ["B"]
2 鸡有几条腿 () [A二 B四] ["A"]"#,
        codes: "numbering_odd",
    },
    Paper {
        name: "gap",
        lines_matter: false,
        text: r#"一、单选题
1.问甲(A)
A.一 B.二
2.问乙(B)
A.一 B.二
4.问丁(A)
A.一 B.二
5.问戊(B)
A.一 B.二
"#,
        found: r#"single_choice - - -
1 问甲() [A一 B二] ["A"]
2 问乙() [A一 B二] ["B"]
4 问丁() [A一 B二] ["A"]
5 问戊() [A一 B二] ["B"]"#,
        codes: "numbering_gap",
    },
    Paper {
        name: "continuous",
        lines_matter: false,
        text: r#"一、单选题(共2题,每题1分)
1.问甲(A)
A.一 B.二
2.问乙(B)
A.一 B.二
二、多选题(共1题,每题1分)
3.问丙(AB)
A.一 B.二 C.三
三、判断题(共1题,每题1分)
4.乙在甲后。(√)
"#,
        found: r#"single_choice 2 1 -
1 问甲() [A一 B二] ["A"]
2 问乙() [A一 B二] ["B"]
multiple_choice 1 1 -
3 问丙() [A一 B二 C三] ["A","B"]
true_false 1 1 -
4 乙在甲后。() [] true"#,
        codes: "",
    },
    Paper {
        name: "garbage",
        lines_matter: false,
        text: r#"一、单选题
1.价格为¥§多少(A)
A.一 B.二
"#,
        found: r#"single_choice - - -
1 价格为¥§多少() [A一 B二] ["A"]"#,
        codes: "ocr_garbage",
    },
    Paper {
        name: "stems with letters",
        lines_matter: false,
        text: r#"一、单选题
1.若方案A、B都可行,应选择( D )
A.方案甲 B.方案乙 C.方案丙 D.A、B都可以
2.维生素A、维生素B、维生素C中溶于水的有( B )
A.一种 B.两种 C.三种 D.没有
"#,
        found: r#"single_choice - - -
1 若方案A、B都可行,应选择() [A方案甲 B方案乙 C方案丙 DA、B都可以] ["D"]
2 维生素A、维生素B、维生素C中溶于水的有() [A一种 B两种 C三种 D没有] ["B"]"#,
        codes: "",
    },
    Paper {
        name: "table per section",
        lines_matter: true,
        text: r#"一、单选题(每题1分,共3分)
1.海水的味道?
A.咸 B.甜
2.河水的味道?
A.咸 B.淡
3.湖的大小?
A.大 B.不定
答案:1-3 ABB
二、判断题(每题1分,共3分)
1.海是蓝的。
2.山是平的。
3.云是软的。
答案:1.√ 2.× 3.√
"#,
        found: r#"single_choice - 1 3
1 海水的味道? [A咸 B甜] ["A"]
2 河水的味道? [A咸 B淡] ["B"]
3 湖的大小? [A大 B不定] ["B"]
true_false - 1 3
1 海是蓝的。 [] true
2 山是平的。 [] false
3 云是软的。 [] true"#,
        codes: "",
    },
    Paper {
        name: "table conflict",
        lines_matter: false,
        text: r#"一、单选题
1.甲的后面(A)
A.乙 B.丙
2.乙的后面(B)
A.甲 B.丙
3.丙的后面(A)
A.丁 B.乙
参考答案
一、单选题
1.A 2.A 3.A
"#,
        found: r#"single_choice - - -
1 甲的后面() [A乙 B丙] ["A"]
2 乙的后面() [A甲 B丙] ["B"]
3 丙的后面() [A丁 B乙] ["A"]"#,
        codes: "key_conflict",
    },
    Paper {
        name: "lost ordinal",
        lines_matter: false,
        text: r#"、单选题
1.糖的颜色(A)
A.白 B.黑
二、判断题
1.糖是甜的。(√)
"#,
        found: r#"single_choice - - -
1 糖的颜色() [A白 B黑] ["A"]
true_false - - -
1 糖是甜的。() [] true"#,
        codes: "section_ordinal_missing",
    },
    Paper {
        name: "chapters",
        lines_matter: true,
        text: r#"第一章 木工
一、判断题
1.锯用来切木头。(√)
二、单选题
1.量长度用(A)
A.尺 B.秤
第二章 漆工
一、判断题
1.漆会干。(√)
二、单选题
1.刷漆用(B)
A.锯 B.刷
"#,
        found: r#"true_false - - -
1 锯用来切木头。() [] true
single_choice - - -
1 量长度用() [A尺 B秤] ["A"]
true_false - - -
1 漆会干。() [] true
single_choice - - -
1 刷漆用() [A锯 B刷] ["B"]"#,
        codes: "",
    },
    Paper {
        name: "years and decimals",
        lines_matter: false,
        text: r#"一、单选题
1.圆周率约为( B )
A.2.14 B.3.14 C.4.14 D.5.14
2.2031年的前一年是( A )
A.2030 B.2032 C.2033 D.2034
3.增长了2.5倍后为( C )
A.2、5倍 B.3.5倍 C.无法确定 D.4.5倍
"#,
        found: r#"single_choice - - -
1 圆周率约为() [A2.14 B3.14 C4.14 D5.14] ["B"]
2 2031年的前一年是() [A2030 B2032 C2033 D2034] ["A"]
3 增长了2.5倍后为() [A2、5倍 B3.5倍 C无法确定 D4.5倍] ["C"]"#,
        codes: "",
    },
    Paper {
        name: "page counters",
        lines_matter: false,
        text: r#"一、单选题
1.第一页的问题(A)
A.甲 B.乙
第1页 共2页
2.第二页的问题(B)
A.甲 B.乙
第PAGE页共NUMPAGES页
"#,
        found: r#"single_choice - - -
1 第一页的问题() [A甲 B乙] ["A"]
2 第二页的问题() [A甲 B乙] ["B"]"#,
        codes: "",
    },
    Paper {
        name: "answer block with reasons",
        lines_matter: false,
        text: r#"木工测试题
一、单选题
1.锯木头用什么?
A.锯 B.刨
2.刨平木头用什么?
A.锯 B.刨
3.量木头用什么?
A.尺 B.刨
二、判断题
1.锯有齿。
2.刨没有刃。
三、填空题
1.鲁班是____国人,发明了____。
答案及解析
一、单选题
1.A。锯有齿。
2.B【解析】刨有刃。
3.A
二、判断题
1.对 2.错
三、填空题
1.鲁、锯
"#,
        found: r#"single_choice - - -
1 锯木头用什么? [A锯 B刨] ["A"]
2 刨平木头用什么? [A锯 B刨] ["B"]
3 量木头用什么? [A尺 B刨] ["A"]
true_false - - -
1 锯有齿。 [] true
2 刨没有刃。 [] false
fill_blank - - -
1 鲁班是____国人,发明了____。 [] ["鲁","锯"]"#,
        codes: "",
    },
    Paper {
        name: "title with answers",
        lines_matter: false,
        text: r#"第一单元测试卷及答案
一、单选题
1.铁的符号( A )
A.Fe B.Cu
2.铜的符号( B )
A.Fe B.Cu
第二单元测试卷及答案
一、单选题
1.金的符号( A )
A.Au B.Ag
2.银的符号( B )
A.Au B.Ag
"#,
        found: r#"single_choice - - -
1 铁的符号() [AFe BCu] ["A"]
2 铜的符号() [AFe BCu] ["B"]
single_choice - - -
1 金的符号() [AAu BAg] ["A"]
2 银的符号() [AAu BAg] ["B"]"#,
        codes: "",
    },
    Paper {
        name: "bank without headers",
        lines_matter: false,
        text: r#"1.水的化学式( A )A.H2O B.CO22.二氧化碳的化学式( B )A.H2O B.CO2 C.O23.氧气的化学式( C )A.H2O B.CO2 C.O2
"#,
        found: r#"single_choice - - -
1 水的化学式() [AH2O BCO2] ["A"]
2 二氧化碳的化学式() [AH2O BCO2 CO2] ["B"]
3 氧气的化学式() [AH2O BCO2 CO2] ["C"]"#,
        codes: "glued_line no_section_headers number_glued_to_digits",
    },
    Paper {
        name: "prose with one bracket",
        lines_matter: false,
        text: r#"水的用途(H2O)
1. 饮用:每天喝水( 约8杯 )。
2. 洗涤:用水洗衣。
3. 灌溉:用水浇地,约占60%。
"#,
        found: r#""#,
        codes: "",
    },
    Paper {
        name: "multi in single",
        lines_matter: false,
        text: r#"一、单项选择题
1.颜料三原色中有( AB )
A.红 B.黄 C.黑
"#,
        found: r#"single_choice - - -
1 颜料三原色中有() [A红 B黄 C黑] ["A","B"]"#,
        codes: "key_does_not_fit_kind",
    },
    Paper {
        name: "page heads and score boxes",
        lines_matter: true,
        text: r#"航空常识测试卷
姓名:______ 学号:______
得分 评卷人
一、判断题(每题1分,共4分)
1.飞机有机翼。
2.旅客应提供姓名、学号、专业等资料
航空常识测试卷
3.飞机没有轮子。
得分:____
4.机场有跑道。
得分 评卷人
二、简答题(每题3分,共6分)
1.什么是航班?
第1页,共2页
2.简述登机的步骤。
"#,
        found: r#"true_false - 1 4
1 飞机有机翼。 [] null
2 旅客应提供姓名、学号、专业等资料 [] null
3 飞机没有轮子。 [] null
4 机场有跑道。 [] null
short_answer - 3 6
1 什么是航班? [] null
2 简述登机的步骤。 [] null"#,
        codes: "no_answer_key",
    },
    Paper {
        name: "nested answers",
        lines_matter: false,
        text: r#"五、简答题(每题6分,共18分)1.简述浇水的原则。答案:1.看天气。2.看土壤。3.看植物。2.简述施肥的步骤。答案:1.挖坑。2.施肥。3.盖土。3.什么是扦插?答案:把枝条插入土中。
"#,
        found: r#"short_answer - 6 18
1 简述浇水的原则。 [] "1.看天气。2.看土壤。3.看植物。"
2 简述施肥的步骤。 [] "1.挖坑。2.施肥。3.盖土。"
3 什么是扦插? [] "把枝条插入土中。""#,
        codes: "glued_line key_glued_to_next_number",
    },
    Paper {
        name: "nested answers lines",
        lines_matter: true,
        text: r#"四、问答题
1、简述浇水的原则。
答:(1)看天气;
(2)看土壤。
2、简述施肥的步骤。
答:1、挖坑;
2、施肥;
3、盖土。
3、什么是扦插?
答:把枝条插入土中。
"#,
        found: r#"short_answer - - -
1 简述浇水的原则。 [] "(1)看天气;(2)看土壤。"
2 简述施肥的步骤。 [] "1、挖坑;2、施肥;3、盖土。"
3 什么是扦插? [] "把枝条插入土中。""#,
        codes: "",
    },
    Paper {
        name: "broken lines paper",
        lines_matter: true,
        text: r#"《花店经营》科目考试试卷(二)含答案

《花店经营》科目考试试卷(二)适用(花艺)班班别姓名学号一、填空题(每空1分,共6分)1.鲜花_______和_______是花店的基础。
2.顾客的______包括显性需求与__________。
3.花店应________,以___为中心。
二、判断题(本大题共5分,每题1分)()1.鲜花不需要水。
()2.玫瑰有刺。
()3.百合有香味。()4.康乃馨送母亲。()5.菊花送老师。三、单项选择题(本大题共2分,每题1分)()1.最香的花是A、百合B、玫瑰C、菊花D、兰花()2.最贵的花是:A、玫瑰,红色。
B、兰花C、“康乃馨D、菊花四、简答题(每题5分,共10分)1、简述包花的步骤。2、简述养花的要点。
五、案例分析(共10分)2020年3月,小王到花店买花。店员说:“今天打8折。”小王买了5枝,回家后发现花已枯萎。
问:1)店员错在哪里?2)你认为该怎样处理?
花店店员的岗位职责
花店店员的岗位职责
花店店员的岗位职责负责销售鲜花。1. 卖花:每天卖花。2. 包花:按要求包花。
"#,
        found: r#"fill_blank - 1 6
1 鲜花_______和_______是花店的基础。 [] null
2 顾客的______包括显性需求与__________。 [] null
3 花店应________,以___为中心。 [] null
true_false - 1 5
1 鲜花不需要水。 [] null
2 玫瑰有刺。 [] null
3 百合有香味。 [] null
4 康乃馨送母亲。 [] null
5 菊花送老师。 [] null
single_choice - 1 2
1 最香的花是 [A百合 B玫瑰 C菊花 D兰花] null
2 最贵的花是: [A玫瑰,红色。 B兰花 C“康乃馨 D菊花] null
short_answer - 5 10
1 简述包花的步骤。 [] null
2 简述养花的要点。 [] null
case_analysis - - 10
1 2020年3月,小王到花店买花。店员说:“今天打8折。”小王买了5枝,回家后发现花已枯萎。问:1)店员错在哪里?2)你认为该怎样处理? [] null"#,
        codes: "glued_line no_answer_key number_after_answer_bracket text_left_out",
    },
    Paper {
        name: "case list",
        lines_matter: true,
        text: r#"案例分析题(每题10分,共20分)
案例一
小王买花,花枯了。
1、店员该怎么办?
2、小王该怎么办?
案例二
小李买花,花丢了。
1、谁负责?
2、怎么赔?
"#,
        found: r#"case_analysis - 10 20
1 店员该怎么办? [] null
2 小王该怎么办? [] null
1 谁负责? [] null
2 怎么赔? [] null"#,
        codes: "",
    },
    Paper {
        name: "truth with options",
        lines_matter: false,
        text: r#"一、判断题
1.花是红的。( A )
A.正确 B.错误
2.草是红的。
A.对 B.错
答案:B
"#,
        found: r#"true_false - - -
1 花是红的。() [A正确 B错误] true
2 草是红的。 [A对 B错] false"#,
        codes: "",
    },
    Paper {
        name: "answers numbers",
        lines_matter: false,
        text: r#"第一题
一、单选题(共2题,共2分)
1、花的数量?( )
A、1 B、2 C、3 D、4
2、草的数量?( )
A、10 B、20 C、30 D、40
【参考答案】1.A 2.D
"#,
        found: r#"single_choice 2 - 2
1 花的数量?( ) [A1 B2 C3 D4] ["A"]
2 草的数量?( ) [A10 B20 C30 D40] ["D"]"#,
        codes: "",
    },
    Paper {
        name: "big paper",
        lines_matter: true,
        text: r#"2031—2032学年度第一学期《园艺》期末考试试卷(B卷)(闭卷)
考试时间：90分钟　满分：20分
班级：　　姓名：　　学号：
题号 一 二 三 总分
得分
一、单项选择题(本大题共5小题,每小题2分,共10分)
1．花的部位是（　C　）
A．叶　　B．根　　C．瓣　　D．茎
2．叶的颜色是（　　）
A．绿　　B．红　　C．蓝　　D．黑
3．根的作用是（B　）
A．看　　B．吸水　　C．听　　D．说
4．茎的作用是（ A）
A．输送　　B．看　　C．听　　D．说
5．果的作用是（D）
A．看　　B．听　　C．说　　D．传种
二、是非题(每题1分,共5分)
1．（√）花有瓣。
2．（×）叶是红的。
3．（ ）根在上。
4．茎在下。（F）
5．果能吃。（T）
三、填空题(共5分)
1．花瓣有______片。
答案：五
2．叶有______和______。
答案：叶脉、叶柄
"#,
        found: r#"single_choice 5 2 10
1 花的部位是（） [A叶 B根 C瓣 D茎] ["C"]
2 叶的颜色是（ ） [A绿 B红 C蓝 D黑] null ~
3 根的作用是（） [A看 B吸水 C听 D说] ["B"]
4 茎的作用是（） [A输送 B看 C听 D说] ["A"]
5 果的作用是（） [A看 B听 C说 D传种] ["D"]
true_false - 1 5
1 （）花有瓣。 [] true
2 （）叶是红的。 [] false
3 （ ）根在上。 [] null ~
4 茎在下。（） [] false
5 果能吃。（） [] true
fill_blank - - 5
1 花瓣有______片。 [] ["五"]
2 叶有______和______。 [] ["叶脉","叶柄"]"#,
        codes: "no_answer_key",
    },
];
