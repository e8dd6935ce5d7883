//! Longer invented papers, one or more per family of real ones, written down by hand with what must be found.

use super::Paper;

/// All of them.
pub(super) const PAPERS: &[Paper] = &[
    Paper {
        name: "full paper with brackets before numbers",
        lines_matter: false,
        text: r#"《前厅服务与管理》科目考试试卷(一)含答案

《前厅服务与管理》科目考试试卷(一)适用(酒店服务)班班别姓名学号一、单项选择题(本大题共6分,每题1分)()1.前厅部的首要任务是A、销售客房B、打扫走廊C、修剪花木D、烹制菜肴()2.客人办理入住时应核对______。A、证件B、鞋码C、星座D、血型()3.与客人交谈时,目光应:A、游移B、直视对方,久久不动。
C、自然D、低垂()4.电话铃响( )声之内应接听A、三B、六C、九D、十二()5.PMS是指A、酒店管理系统B、门锁C、POS机D、监控()6.叫醒服务属于A、总机B、餐厅C、工程D、洗衣二、多项选择题(本大题共4分,每题2分)()1.前厅的岗位有A、接待B、问讯C、礼宾D、行李()2.预订的方式有:A、电话B、网络C、信函D、面谈三、判断题(本大题共3分,每题1分)()1.客人永远是对的,即使他违法。()2.押金单应妥善保管。()3.夜审一般在夜间进行。四、填空题(每空1分,共4分)1.前厅部又称______,是酒店的______。2.客房状态有______和______等。五、简答题(每题5分,共10分)1.简述散客入住的程序。2.怎样处理超额预订?六、案例分析题(共10分)2019年5月1日,一位客人到达酒店,称已预订,但系统中查不到。接待员说:“没有就是没有!”客人十分生气。问:1)接待员错在哪里?2)如果你是接待员,会怎么做?
"#,
        found: r#"single_choice - 1 6
1 前厅部的首要任务是 [A销售客房 B打扫走廊 C修剪花木 D烹制菜肴] null
2 客人办理入住时应核对______。 [A证件 B鞋码 C星座 D血型] null
3 与客人交谈时,目光应: [A游移 B直视对方,久久不动。 C自然 D低垂] null
4 电话铃响()声之内应接听 [A三 B六 C九 D十二] null
5 PMS是指 [A酒店管理系统 B门锁 CPOS机 D监控] null
6 叫醒服务属于 [A总机 B餐厅 C工程 D洗衣] null
multiple_choice - 2 4
1 前厅的岗位有 [A接待 B问讯 C礼宾 D行李] null
2 预订的方式有: [A电话 B网络 C信函 D面谈] null
true_false - 1 3
1 客人永远是对的,即使他违法。 [] null
2 押金单应妥善保管。 [] null
3 夜审一般在夜间进行。 [] null
fill_blank - 1 4
1 前厅部又称______,是酒店的______。 [] null
2 客房状态有______和______等。 [] null
short_answer - 5 10
1 简述散客入住的程序。 [] null
2 怎样处理超额预订? [] null
case_analysis - - 10
1 2019年5月1日,一位客人到达酒店,称已预订,但系统中查不到。接待员说:“没有就是没有!”客人十分生气。问:1)接待员错在哪里?2)如果你是接待员,会怎么做? [] null"#,
        codes: "bracket_in_stem glued_line no_answer_key number_after_answer_bracket underscore_blanks",
    },
    Paper {
        name: "full paper with printed keys in brackets before numbers",
        lines_matter: false,
        text: r#"《养蜂技术》科目考试试卷(四)适用(畜牧)班班别姓名学号一、判断题(本大题共5分,每题1分)(√)1.工蜂是雌蜂。(×)2.雄蜂会采蜜。( √ )3.蜂王只有一只。(×)4.蜂蜡是蜂的粪便。二、单项选择题(本大题共4分,每题2分)(B)1.蜂群中数量最多的是A、蜂王B、工蜂C、雄蜂( D )2.2031年应检查巢脾()次A、一B、二C、三D、四三、多项选择题(共3题,每题2分,合计8分)(A、C)1.蜂产品有A、蜂蜜B、酱油C、蜂胶D、食醋(ABD)2.防治螨害的做法有A、检查B、隔离C、放任D、用药(CD)3.越冬前应A、分蜂B、取尽蜜C、留足饲料D、保温
"#,
        found: r#"true_false - 1 5
1 工蜂是雌蜂。 [] true
2 雄蜂会采蜜。 [] false
3 蜂王只有一只。 [] true
4 蜂蜡是蜂的粪便。 [] false
single_choice - 2 4
1 蜂群中数量最多的是 [A蜂王 B工蜂 C雄蜂] ["B"]
2 2031年应检查巢脾()次 [A一 B二 C三 D四] ["D"]
multiple_choice 3 2 8
1 蜂产品有 [A蜂蜜 B酱油 C蜂胶 D食醋] ["A","C"]
2 防治螨害的做法有 [A检查 B隔离 C放任 D用药] ["A","B","D"]
3 越冬前应 [A分蜂 B取尽蜜 C留足饲料 D保温] ["C","D"]"#,
        codes: "glued_line number_after_answer_bracket points_mismatch section_short",
    },
    Paper {
        name: "bank of three chapters in one line",
        lines_matter: false,
        text: r#"制茶工艺考试试题库Revised at 7:45 pm on April 3, 2020The weather of today is fine试题库:课题一采摘与萎凋三、单项选择题1.春茶的第一批称为 AA.明前茶B.雨前茶C.秋茶D.冬片2.萎凋的目的是 CA.增加水分B.着色C.散失水分D.压紧3.制茶企业使用的“3S”管理不包括DA.整理B.整顿C.清扫D.扩张4.一芽二叶的标准适用于BA.砖茶B.名优绿茶C.花茶D.乌龙茶四、多项选择题1.采摘的方法有 ABA.手采B.机采C.火烧D.水冲2.影响萎凋的因素包括ABCDA.温度;B.湿度;C.通风;D.摊叶厚度;3.采摘篮应当 ACDA.透气 B.密封C.清洁D.轻便试题库:课题二杀青三、单项选择题1.杀青的温度一般在 BA.60℃B.200℃C.500℃D.900℃2.杀青主要破坏的是 DA.糖B.脂肪C.维生素AD.酶3.2018年引进的滚筒机型号为 AA.GPS-4B.LEDC.USBD.CPU四、多项选择题1.杀青不足会 BCA.变白B.红梗C.青气重D.增香试题库:课题三包装三、单项选择题1.防潮袋的材料通常是CA.纸B.布C.铝箔D.竹2.贮藏绿茶的适宜温度是AA.5度B.25度C.35度D.45度四、多项选择题1.茶叶怕 ABCDA.光B.氧C.湿D.异味2.包装标签应有ABDA.品名B.产地C.个人电话D.保质期
"#,
        found: r#"single_choice - - -
1 春茶的第一批称为 [A明前茶 B雨前茶 C秋茶 D冬片] ["A"]
2 萎凋的目的是 [A增加水分 B着色 C散失水分 D压紧] ["C"]
3 制茶企业使用的“3S”管理不包括 [A整理 B整顿 C清扫 D扩张] ["D"]
4 一芽二叶的标准适用于 [A砖茶 B名优绿茶 C花茶 D乌龙茶] ["B"]
multiple_choice - - -
1 采摘的方法有 [A手采 B机采 C火烧 D水冲] ["A","B"]
2 影响萎凋的因素包括 [A温度; B湿度; C通风; D摊叶厚度;] ["A","B","C","D"]
3 采摘篮应当 [A透气 B密封 C清洁 D轻便] ["A","C","D"]
single_choice - - -
1 杀青的温度一般在 [A60℃ B200℃ C500℃ D900℃] ["B"]
2 杀青主要破坏的是 [A糖 B脂肪 C维生素A D酶] ["D"]
3 2018年引进的滚筒机型号为 [AGPS-4 BLED CUSB DCPU] ["A"]
multiple_choice - - -
1 杀青不足会 [A变白 B红梗 C青气重 D增香] ["B","C"]
single_choice - - -
1 防潮袋的材料通常是 [A纸 B布 C铝箔 D竹] ["C"]
2 贮藏绿茶的适宜温度是 [A5度 B25度 C35度 D45度] ["A"]
multiple_choice - - -
1 茶叶怕 [A光 B氧 C湿 D异味] ["A","B","C","D"]
2 包装标签应有 [A品名 B产地 C个人电话 D保质期] ["A","B","D"]"#,
        codes: "glued_line key_glued_to_option_label section_ordinals_start_at_three",
    },
    Paper {
        name: "bank in brackets, two chapters",
        lines_matter: false,
        text: r#"试题库:课题二(杀青与揉捻)
三、单项选择题
1.杀青的温度(锅温)一般在( B )
A.60℃B.200℃
C.500℃D.900℃
2.绿茶的关键工序是(A )。
A.杀青B.渥红
C.晒红D.发酵

3.揉捻采用( C )的原则。

轻压与重压如何交替是关键
A.重-轻-重
B.一直重。

C.轻-重-轻
D.不压
4.(D )负责记录温度(°C)。
A.会计B.司机
C.门卫D.操作工
四、多项选择题
1.揉捻机的部件有( ABD )A.揉桶
B.揉盘
C.车轮D.加压盖(手柄)
2.影响杀青质量的因素有(ABCD)
A.投叶量;
B.温度;
C.时间;
D.机型。
试题库:课题三(干燥)
三、单项选择题
1.毛火的英文缩写是( A)
A.MHB.ZH
C.UPSD.GPS
四、多项选择题
1.干燥的方法有(ACD )
A.烘干B.水煮
C.炒干D.晒干
"#,
        found: r#"single_choice - - -
1 杀青的温度(锅温)一般在() [A60℃ B200℃ C500℃ D900℃] ["B"]
2 绿茶的关键工序是()。 [A杀青 B渥红 C晒红 D发酵] ["A"]
3 揉捻采用()的原则。轻压与重压如何交替是关键 [A重-轻-重 B一直重。 C轻-重-轻 D不压] ["C"]
4 ()负责记录温度(°C)。 [A会计 B司机 C门卫 D操作工] ["D"]
multiple_choice - - -
1 揉捻机的部件有() [A揉桶 B揉盘 C车轮 D加压盖(手柄)] ["A","B","D"]
2 影响杀青质量的因素有() [A投叶量; B温度; C时间; D机型。] ["A","B","C","D"]
single_choice - - -
1 毛火的英文缩写是() [AMH BZH CUPS DGPS] ["A"]
multiple_choice - - -
1 干燥的方法有() [A烘干 B水煮 C炒干 D晒干] ["A","C","D"]"#,
        codes: "section_ordinals_start_at_three",
    },
    Paper {
        name: "vip paper with explanations",
        lines_matter: true,
        text: r#"2031年园林绿化工草坪养护规范化专题试卷及解析.docxVIP

2031年园林绿化工草坪养护规范化专题试卷及解析.docx

  1. 1、本站所有内容均由合作方或网友上传,本站不对文档的完整性做任何保证。
  2. 2、成为VIP后,下载本文档将扣除1次下载权益。下载后,不支持退款、换文档。
查看更多

2031年园林绿化工草坪养护规范化专题试卷及解析

2031年园林绿化工草坪养护规范化专题试卷及解析

第一部分:单项选择题(共3题,每题2分)

1、草坪修剪的首要原则是?

A、三分之一原则

B、全部剪光

C、随意修剪

D、从不修剪

【答案】A

【解析】正确答案是A。每次剪去不超过三分之一。B选项会使草坪死亡,C、D都不可取。知识点:修剪原则。易错点:误以为剪得越短越好,A、B两种做法其实差异很大。

2、下列哪种草属于冷季型?

A、狗牙根

B、结缕草

C、早熟禾

D、野牛草

【答案】C

【解析】正确答案是B。早熟禾喜冷凉。A、B、D都是暖季型。知识点:草种分类。易错点:混淆草种。

3、灌溉的最佳时间是?

A、清晨

B、正午

C、傍晚

D、深夜

【答案】A

【解析】本题考查灌溉时间,清晨蒸发少,故选A。知识点:灌溉。易错点:选B。

第二部分:多项选择题(共3题,每题3分)

1、施肥的依据包括?

A、土壤检测

B、草种

C、季节

D、心情

【答案】A、B、C

【解析】正确答案是A、B、C。D项与养护无关。知识点:施肥。易错点:遗漏季节。

2、病害防治的措施有?

A、通风

B、排水

C、轮换用药

D、大水漫灌

E、清除病叶

【答案】A、B、C、E

【解析】正确答案是A、B、C、E。D选项会加重病

您可能关注的文档

文档评论(0)

某某文库 + 关注
实名认证
文档贡献者

绿草如茵

1亿VIP精品文档

相关文档
"#,
        found: r#"single_choice 3 2 -
1 草坪修剪的首要原则是? [A三分之一原则 B全部剪光 C随意修剪 D从不修剪] ["A"]
2 下列哪种草属于冷季型? [A狗牙根 B结缕草 C早熟禾 D野牛草] ["C"]
3 灌溉的最佳时间是? [A清晨 B正午 C傍晚 D深夜] ["A"]
multiple_choice 3 3 -
1 施肥的依据包括? [A土壤检测 B草种 C季节 D心情] ["A","B","C"]
2 病害防治的措施有? [A通风 B排水 C轮换用药 D大水漫灌 E清除病叶] ["A","B","C","E"] ~"#,
        codes: "key_contradicts_explanation section_short truncated_text",
    },
    Paper {
        name: "headerless quiz, four kinds",
        lines_matter: false,
        text: r#"农林类_花卉生产与经营
1 . 唐菖蒲的繁殖器官是A.种球B.种子C.叶片D.花粉答案:A2 . 1992年选育的品种是A.红星B.白云C.金秋D.紫霞答案:C3 . “花中皇后”指的是A.牡丹B.月季C.菊花D.兰花答案:B4 . 某花店当天进货100枝,损耗率20%,可售A.20枝B.60枝C.80枝D.120枝答案:C5 . 包装使用的LED灯功率为A.4WB.5WC.6WD.7W答案:D6 . 24小时内应完成的工作是A.脱叶B.“醒花”C.换盆D.嫁接答案:B7 . 切花保鲜的措施有A.剪根B.换水C.遮光D.加保鲜剂答案:A、B、D8 . 花店促销的方式有A.打折B.赠品C.会员积分D.抬价答案:A、B、C9 . 干花不需要任何养护。答案:错误10 . 鲜花的价格受节日影响。答案:正确11 . 花材的分级标准只看颜色
"#,
        found: r#"single_choice - - -
1 唐菖蒲的繁殖器官是 [A种球 B种子 C叶片 D花粉] ["A"]
2 1992年选育的品种是 [A红星 B白云 C金秋 D紫霞] ["C"]
3 “花中皇后”指的是 [A牡丹 B月季 C菊花 D兰花] ["B"]
4 某花店当天进货100枝,损耗率20%,可售 [A20枝 B60枝 C80枝 D120枝] ["C"]
5 包装使用的LED灯功率为 [A4W B5W C6W D7W] ["D"]
6 24小时内应完成的工作是 [A脱叶 B“醒花” C换盆 D嫁接] ["B"]
multiple_choice - - -
7 切花保鲜的措施有 [A剪根 B换水 C遮光 D加保鲜剂] ["A","B","D"]
8 花店促销的方式有 [A打折 B赠品 C会员积分 D抬价] ["A","B","C"]
true_false - - -
9 干花不需要任何养护。 [] false
10 鲜花的价格受节日影响。 [] true
11 花材的分级标准只看颜色 [] null ~"#,
        codes: "glued_line key_glued_to_next_number no_section_headers truncated_question",
    },
    Paper {
        name: "header wrapped around foreign lines",
        lines_matter: true,
        text: r#"《民宿经营》科目考试试卷(二)
单项选择题(每题2分,共4分)
1.民宿的主人称为( C )
A.门童 B.店小二 C.房东 D.船长
2.布草指的是( A )
A.床单毛巾 B.花草 C.家具 D.餐具
二、情境题(每
民宿经营师考证须知
办公室整理
题5分,共15分)
1、客人半夜投诉隔壁太吵,你怎么处理?
2、客人要求退还押金,但毛巾少了一条,你怎么处理?
3、客人带宠物入住,你怎么处理?
三、案例分析(1
题,共20分)
某民宿2018年开业,共有6间客房。第一年亏损3.5万元,第二年持平。房东说:“再亏就关门。”
1、亏损的原因可能有哪些?
2、请给房东提出两条建议。
"#,
        found: r#"single_choice - 2 4
1 民宿的主人称为() [A门童 B店小二 C房东 D船长] ["C"]
2 布草指的是() [A床单毛巾 B花草 C家具 D餐具] ["A"]
scenario - 5 15
1 客人半夜投诉隔壁太吵,你怎么处理? [] null
2 客人要求退还押金,但毛巾少了一条,你怎么处理? [] null
3 客人带宠物入住,你怎么处理? [] null
case_analysis 1 - 20
1 亏损的原因可能有哪些? [] null
2 请给房东提出两条建议。 [] null"#,
        codes: "section_header_wrapped_and_interleaved section_long section_ordinal_missing",
    },
    Paper {
        name: "points in every printed form",
        lines_matter: false,
        text: r#"焊工基础测试卷
一、单选题(共2题,每题3分,合计6分)
1.焊条的芯是A.钢 B.木 C.纸
2.焊接时应戴A.草帽 B.面罩 C.耳环
二、多选题(共2题,每题3分)
1.焊接的危险有A.弧光 B.烟尘 C.触电
2.灭火的器材有A.沙 B.灭火器 C.汽油
三、填空题(把答案写在答题纸上。每小题 2 分,共 6 分)
1.焊条的直径有____毫米。
2.电弧的温度约____度。
四、判断题(本大题共2分,每题1分)
1.雨天可以露天焊接。
2.焊后应清渣。
五、是非题(每题2分,共5分)
1.电焊机外壳必须接地。
2.气瓶可以卧放使用。
六、简答题(每题6分,共12分)
1.简述引弧的方法。
2.简述防触电的措施。
七、论述题(共15分)
1.试述焊接变形的原因。
八、问答题
1.什么是点焊?
"#,
        found: r#"single_choice 2 3 6
1 焊条的芯是 [A钢 B木 C纸] null
2 焊接时应戴 [A草帽 B面罩 C耳环] null
multiple_choice 2 3 -
1 焊接的危险有 [A弧光 B烟尘 C触电] null
2 灭火的器材有 [A沙 B灭火器 C汽油] null
fill_blank - 2 6
1 焊条的直径有____毫米。 [] null
2 电弧的温度约____度。 [] null
true_false - 1 2
1 雨天可以露天焊接。 [] null
2 焊后应清渣。 [] null
true_false - 2 5
1 电焊机外壳必须接地。 [] null
2 气瓶可以卧放使用。 [] null
short_answer - 6 12
1 简述引弧的方法。 [] null
2 简述防触电的措施。 [] null
short_answer - - 15
1 试述焊接变形的原因。 [] null
short_answer - - -
1 什么是点焊? [] null"#,
        codes: "no_answer_key points_mismatch section_short",
    },
    Paper {
        name: "numbers run on, table at the end",
        lines_matter: false,
        text: r#"2031—2032学年第二学期《烹调原料》期末考试试卷(A卷)(闭卷)
考试时间:90分钟 满分:26分
班级:______ 姓名:______ 学号:______
一、单项选择题(共5题,每题2分,共10分)
1、面粉按蛋白质分为几类?
A、二 B、三 C、四 D、五
2、下列属于根菜的是?
A、萝卜 B、白菜 C、番茄 D、辣椒
3、鲜奶的保存温度是?
A、4℃ B、20℃
C、37℃ D、60℃
5、老抽主要用来?
A、提鲜 B、上色 C、增酸 D、去腥
二、多项选择题(共2题,每题3分,共6分)
6、下列属于菌类的有?
A、香菇 B、木耳 C、银耳 D、紫菜
7、盐的作用有?
A、调味 B、防腐 C、着色 D、发酵
三、判断题(共5题,每题2分,共10分)
8、味精可以长时间高温加热。
9、豆腐属于豆制品。
10、冷冻的肉不会变质。
11、大米应放在干燥处。
12、发芽的土豆可以食用。
参考答案
1-5 BAA?B
6.ABC 7.AB
8-12 ×√×√×
"#,
        found: r#"single_choice 5 2 10
1 面粉按蛋白质分为几类? [A二 B三 C四 D五] null ~
2 下列属于根菜的是? [A萝卜 B白菜 C番茄 D辣椒] null ~
3 鲜奶的保存温度是? [A4℃ B20℃ C37℃ D60℃] null ~
5 老抽主要用来? [A提鲜 B上色 C增酸 D去腥] null ~
multiple_choice 2 3 6
6 下列属于菌类的有? [A香菇 B木耳 C银耳 D紫菜] ["A","B","C"]
7 盐的作用有? [A调味 B防腐 C着色 D发酵] ["A","B"]
true_false 5 2 10
8 味精可以长时间高温加热。 [] false
9 豆腐属于豆制品。 [] true
10 冷冻的肉不会变质。 [] false
11 大米应放在干燥处。 [] true
12 发芽的土豆可以食用。 [] false"#,
        codes: "key_table_unmapped no_answer_key numbering_gap section_short text_left_out",
    },
    Paper {
        name: "case sections with shared text and sub-questions",
        lines_matter: true,
        text: r#"物业管理综合试卷
一、判断题(每题1分,共2分)
1.保洁员应着工装。
2.电梯每年检测一次。
二、案例分析题(每题10分,共20分)
2017年6月,某小区有业主320户。物业公司换人后,投诉由每月12起增至45起,其中“垃圾清运不及时”占60%。6月底,业主委员会要求解约。
经理说:“1.5元的物业费,只能做到这样。”
1、投诉增加的主要原因是什么?
2、如果你是经理,怎样与业主委员会沟通?问:1)谈什么?2)怎么谈?
三、情景分析题(共15分)
情景一:一位老人摔倒在大厅,地面有水。
1、你先做什么?
2、事后应改进什么?
情景二:停车场闸杆失灵,堵了十多辆车。
1、你怎样疏导?
"#,
        found: r#"true_false - 1 2
1 保洁员应着工装。 [] null
2 电梯每年检测一次。 [] null
case_analysis - 10 20
1 投诉增加的主要原因是什么? [] null
2 如果你是经理,怎样与业主委员会沟通?问:1)谈什么?2)怎么谈? [] null
scenario - - 15
1 你先做什么? [] null
2 事后应改进什么? [] null
1 你怎样疏导? [] null"#,
        codes: "no_answer_key",
    },
    Paper {
        name: "blanks broken by wraps and blanks",
        lines_matter: true,
        text: r#"导游基础题库
一、填空题(每空1分,共9分)
1.导游证由______部门颁
发,有效期为___
____年。
2.______ ______是我国四大名楼中的两座。
3. 带团时应做到“五______”,即______、
______、______。
答案:勤;眼勤、口勤、手勤
4.景区等级最高为____A级。
答案:5
"#,
        found: r#"fill_blank - 1 9
1 导游证由______部门颁发,有效期为_______年。 [] null ~
2 ____________是我国四大名楼中的两座。 [] null ~
3 带团时应做到“五______”,即______、______、______。 [] ["勤","眼勤、口勤、手勤"]
4 景区等级最高为____A级。 [] ["5"]"#,
        codes: "no_answer_key",
    },
    Paper {
        name: "short answers with numbered points",
        lines_matter: true,
        text: r#"五、简答题(每小题5分,共15分)
1、简述接待投诉的步骤。
答案:(1)倾听。
(2)记录。
(3)处理。
2.什么是“首问责任制”?
答:首位接待的人员负责到底。1.不推诿。2.不拖延。
3、列出三种常用的礼貌用语。
参考答案:您好;谢谢;再见。
"#,
        found: r#"short_answer - 5 15
1 简述接待投诉的步骤。 [] "(1)倾听。(2)记录。(3)处理。"
2 什么是“首问责任制”? [] "首位接待的人员负责到底。1.不推诿。2.不拖延。"
3 列出三种常用的礼貌用语。 [] "您好;谢谢;再见。""#,
        codes: "",
    },
    Paper {
        name: "options of every shape",
        lines_matter: false,
        text: r#"西点制作习题
一、单项选择题
1.黄油的熔点约为(B)
A.12℃ B.32℃ C.62℃
2.打发蛋白时加( C )可增加稳定性
(A)油(B)盐水(C)塔塔粉(D)酱油
3.下列属于甜味剂的是( A )
A:蔗糖 B:食盐 C:柠檬酸 D:味精
4.“戚风”是( D )的译音
A)chef B)choux C)cheese D)chiffon
5.烤箱应预热至( B )
A 、80度 B 、180度 C 、380度
6.下列材料由大到小排列正确的是( C )
A.一,二,三 B.三,一,二 C.“三,二,一 D.二,三,一
7.泡芙的英文是( A )A.PUFFB.CAKEC.PIED.JAM
8.高筋粉用于( E )
A.饼干 B.蛋糕 C.塔皮 D.挞底 E.面包 F.布丁
"#,
        found: r#"single_choice - - -
1 黄油的熔点约为() [A12℃ B32℃ C62℃] ["B"]
2 打发蛋白时加()可增加稳定性 [A油 B盐水 C塔塔粉 D酱油] ["C"]
3 下列属于甜味剂的是() [A蔗糖 B食盐 C柠檬酸 D味精] ["A"]
4 “戚风”是()的译音 [Achef Bchoux Ccheese Dchiffon] ["D"]
5 烤箱应预热至() [A80度 B180度 C380度] ["B"]
6 下列材料由大到小排列正确的是() [A一,二,三 B三,一,二 C“三,二,一 D二,三,一] ["C"]
7 泡芙的英文是() [APUFF BCAKE CPIE DJAM] ["A"]
8 高筋粉用于() [A饼干 B蛋糕 C塔皮 D挞底 E面包 F布丁] ["E"]"#,
        codes: "",
    },
    Paper {
        name: "latin before labels and numbers",
        lines_matter: false,
        text: r#"通信常识题库
一、单选题1.4G网络的下一代是( C )A.2GB.3GC.5GD.6G2.移动通信的英文缩写是( A )A.GSMB.LEDC.DVDD.UPS3.“BAD”不是( B )A.英文单词B.频段C.三个字母D.形容词4.1876年发明电话的是( D )A.瓦特B.牛顿C.爱迪生D.贝尔5.基站用的电池电压为( B )V A.12B.48C.110D.2206.无线局域网简称( A )A.WLANB.WANC.LAND.PAN
"#,
        found: r#"single_choice - - -
1 4G网络的下一代是() [A2G B3G C5G D6G] ["C"]
2 移动通信的英文缩写是() [AGSM BLED CDVD DUPS] ["A"]
3 “BAD”不是() [A英文单词 B频段 C三个字母 D形容词] ["B"]
4 1876年发明电话的是() [A瓦特 B牛顿 C爱迪生 D贝尔] ["D"]
5 基站用的电池电压为()V [A12 B48 C110 D220] ["B"]
6 无线局域网简称() [AWLAN BWAN CLAN DPAN] ["A"]"#,
        codes: "glued_line number_glued_to_digits",
    },
    Paper {
        name: "truth marks of every form",
        lines_matter: false,
        text: r#"是非题(每题1分,共8分)
1.邮票可以收藏。(√)
2.邮编有五位数字。(×)
3.平信可以寄现金。( 错 )
4.挂号信有回执。(对)
5.信封应写明地址。(T)
6.包裹可以夹带易燃品。(F)
7.邮筒每天开箱。√
8.明信片不用贴邮票。 ×
"#,
        found: r#"true_false - 1 8
1 邮票可以收藏。() [] true
2 邮编有五位数字。() [] false
3 平信可以寄现金。() [] false
4 挂号信有回执。() [] true
5 信封应写明地址。() [] true
6 包裹可以夹带易燃品。() [] false
7 邮筒每天开箱。 [] true
8 明信片不用贴邮票。 [] false"#,
        codes: "",
    },
    Paper {
        name: "articles before and after a paper",
        lines_matter: true,
        text: r#"图书管理员的岗位职责

图书管理员的岗位职责

图书管理员的岗位职责图书管理员负责图书的借还。

一、日常工作

1. 借阅服务:为读者办理借阅手续,解答读者(包括儿童)的疑问。

2. 图书上架:按照分类号上架,错架率低于3%。

二、技能要求

1、熟悉分类法。

2、会使用检索系统(OPAC)。

2.1 能够录入数据。

图书管理基础测试卷

图书管理基础测试卷

一、单项选择题(共2题,每题2分)

1.图书分类法的简称是( A )

A.中图法 B.大图法 C.小图法

2.索书号贴在( B )

A.封底 B.书脊 C.扉页

图书馆的发展趋势

图书馆的发展趋势

图书馆的发展趋势随着信息技术的发展,图书馆正在变化。

1. 数字化:越来越多的图书被数字化。

2. 智能化:自助借还机普及。
"#,
        found: r#"single_choice 2 2 -
1 图书分类法的简称是() [A中图法 B大图法 C小图法] ["A"]
2 索书号贴在() [A封底 B书脊 C扉页] ["B"]"#,
        codes: "text_left_out",
    },
    Paper {
        name: "slides with labels and counters",
        lines_matter: true,
        text: r#"茶馆服务培训课件.pptxVIP

  • 3
  • 0
  • 约1.2千字
  • 约 18页
  • 2031-03-04 发布于四川
  • 举报

茶馆服务培训课件.pptx

茶馆服务培训课件汇报人:某某2031-03-04WORKSUMMARY

目录CATALOGUE服务礼仪泡茶技巧结账流程

PART01服务礼仪

0102迎客站姿端正03送客面带微笑。01030204

ABCD结账流程及要点A区B区C区收款找零A.核对B.唱收

20%老顾客30%新顾客(1)第一步(2)第二步

泡茶技巧:1.温杯;2.投茶;3.注水;4.出汤。

文档评论(0)
"#,
        found: r#""#,
        codes: "",
    },
    Paper {
        name: "title pair that differs and a second paper",
        lines_matter: true,
        text: r#"《插花艺术》期末测验(卷乙)

《插花艺术》期末测验(卷甲)
班别:____ 姓名:____ 学号:____
一、单选题(本大题共4分,每题2分)
()1.东方插花讲究A、线条B、对称
()2.花泥使用前应A、浸水B、晒干
《插花艺术》期末测验(卷丙)
一、单选题(本大题共4分,每题2分)
()1.西方插花讲究A、几何B、留白
"#,
        found: r#"single_choice - 2 4
1 东方插花讲究 [A线条 B对称] null
2 花泥使用前应 [A浸水 B晒干] null
single_choice - 2 4
1 西方插花讲究 [A几何 B留白] null"#,
        codes: "no_answer_key number_after_answer_bracket section_short title_conflict",
    },
    Paper {
        name: "the same items in two dialects",
        lines_matter: true,
        text: r#"钟表维修考试试题库试题库:课题一机芯三、单项选择题1.机械表的动力来自 AA.发条B.电池C.阳光D.水2.摆轮的作用是BA.上弦B.计时C.装饰D.防水3.石英表的频率由 CA.发条B.齿轮C.晶体D.表盘四、多项选择题1.机芯的零件包括内部齿轮 ABCA.擒纵叉B.游丝C.摆轮D.表带
钟表匠的职责
钟表匠的职责
1. 修表:按时修表。
2. 卖表:热情待客。
试题库:课题一(机芯)
三、单项选择题
1.机械表的动力来自( A )
A.发条B.电池
C.阳光D.水
2.摆轮的作用是(B )
A.上弦B.计时
C.装饰D.防水
3.石英表的频率由( C )
A.发条B.齿轮
C.晶体D.表盘
四、多项选择题
1.机芯的零件包括(内部)齿轮(ABC)
A.擒纵叉B.游丝
C.摆轮D.表带
"#,
        found: r#"single_choice - - -
1 机械表的动力来自 [A发条 B电池 C阳光 D水] ["A"]
2 摆轮的作用是 [A上弦 B计时 C装饰 D防水] ["B"]
3 石英表的频率由 [A发条 B齿轮 C晶体 D表盘] ["C"]
multiple_choice - - -
1 机芯的零件包括内部齿轮 [A擒纵叉 B游丝 C摆轮 D表带] ["A","B","C"]
single_choice - - -
multiple_choice - - -"#,
        codes: "duplicate_questions glued_line key_glued_to_option_label section_ordinals_start_at_three",
    },
    Paper {
        name: "first items without a header",
        lines_matter: true,
        text: r#"面包店员工考试(B卷)(开卷)考试时间:45分钟
1.面团发酵的温度约____度。
2.酵母在____度以上会死亡,盐的用量约为____%。
3.烘烤前应____预热。
二、单项选择题(每题2分,共4分)
1.吐司的英文是A.toast B.cake C.pie
2.面粉应存放在A.潮湿处 B.干燥处 C.阳光下
三、判断题(每题1分,共2分)
1.隔夜面包不得标为当日产品。
2.员工可以不戴帽子。
"#,
        found: r#"fill_blank - - -
1 面团发酵的温度约____度。 [] null
2 酵母在____度以上会死亡,盐的用量约为____%。 [] null
3 烘烤前应____预热。 [] null
single_choice - 2 4
1 吐司的英文是 [Atoast Bcake Cpie] null
2 面粉应存放在 [A潮湿处 B干燥处 C阳光下] null
true_false - 1 2
1 隔夜面包不得标为当日产品。 [] null
2 员工可以不戴帽子。 [] null"#,
        codes: "no_answer_key section_header_missing",
    },
    Paper {
        name: "picture and rubbish",
        lines_matter: true,
        text: r#"一、单选题(每题2分,共4分)
1.航海图中蓝色表示A.陆地 B.海洋 C.沙漠
2.在地图上量得3厘米,线下图书馆的实际距离是A.3米 B.3千米 C.无法确定
二、看图题(每题5分,共10分)
1.如图所示,写出各部分的名称。
2.流程示意图:¥§入库 z 验§¥收
三、简答题(每题5分,共5分)
1.根据下图说明出库的步骤。
"#,
        found: r#"single_choice - 2 4
1 航海图中蓝色表示 [A陆地 B海洋 C沙漠] null
2 在地图上量得3厘米,线下图书馆的实际距离是 [A3米 B3千米 C无法确定] null
picture - 5 10
1 如图所示,写出各部分的名称。 [] null
2 流程示意图:¥§入库 z 验§¥收 [] null
short_answer - 5 5
1 根据下图说明出库的步骤。 [] null"#,
        codes: "no_answer_key ocr_garbage picture_missing",
    },
    Paper {
        name: "glued keys behind Latin words",
        lines_matter: false,
        text: r#"一、单项选择题1.电子数据交换的英文缩写是 CA.EDPB.EFTC.EDID.ERP2.仓库管理系统简称 BA.CRMB.WMSC.TMSD.OMS3.不属于CRM功能的是DA.销售B.服务C.市场D.焊接4.企业资源计划ERPAA.是一种系统B.是一种病C.是一种船D.是一种花5.物联网用的标签是 AA.RFIDB.LEDC.PVCD.DVD6.客户管理系统CRM BA.管设备B.管客户C.管车D.管船
"#,
        found: r#"single_choice - - -
1 电子数据交换的英文缩写是 [AEDP BEFT CEDI DERP] ["C"]
2 仓库管理系统简称 [ACRM BWMS CTMS DOMS] ["B"]
3 不属于CRM功能的是 [A销售 B服务 C市场 D焊接] ["D"]
4 企业资源计划ERP [A是一种系统 B是一种病 C是一种船 D是一种花] ["A"]
5 物联网用的标签是 [ARFID BLED CPVC DDVD] ["A"]
6 客户管理系统CRM [A管设备 B管客户 C管车 D管船] ["B"]"#,
        codes: "glued_line key_glued_to_option_label",
    },
    Paper {
        name: "choice inside a situation",
        lines_matter: false,
        text: r#"六、情景分析题(每题5分,共10分)
某店3月换了供应商,此后投诉由每周2起增至9起,其中“包装破损”占八成。
1.投诉增加最可能的原因是( B )A.天气变热B.包装变差C.价格上涨D.人手不足
2.请写出两条改进措施。
答案:①更换包装;②抽检到货。
"#,
        found: r#"scenario - 5 10
1 投诉增加最可能的原因是() [A天气变热 B包装变差 C价格上涨 D人手不足] ["B"]
2 请写出两条改进措施。 [] "①更换包装;②抽检到货。""#,
        codes: "",
    },
    Paper {
        name: "sub-questions out of order",
        lines_matter: true,
        text: r#"七、案例分析题(共10分)
1、一位乘客在候车室丢了行李,车站广播了三次。问:2)如果找不到怎么赔?1)应先做什么?
"#,
        found: r#"case_analysis - - 10
1 一位乘客在候车室丢了行李,车站广播了三次。问:2)如果找不到怎么赔?1)应先做什么? [] null"#,
        codes: "reading_order_scrambled",
    },
    Paper {
        name: "key letters that are not options",
        lines_matter: false,
        text: r#"二、多项选择题(共3题,每题2分,共6分)
1.茶具包括( ABE )
A.壶 B.杯 C.锯 D.斧
2.泡茶的水可用( A )
A.泉水 B.海水 C.污水 D.油
3.花茶的香味来自( CD )
A.石 B.铁 C.茉莉 D.玫瑰
"#,
        found: r#"multiple_choice 3 2 6
1 茶具包括() [A壶 B杯 C锯 D斧] ["A","B","E"]
2 泡茶的水可用() [A泉水 B海水 C污水 D油] ["A"]
3 花茶的香味来自() [A石 B铁 C茉莉 D玫瑰] ["C","D"]"#,
        codes: "key_does_not_fit_kind key_names_missing_option",
    },
    Paper {
        name: "the paper stops in an option",
        lines_matter: true,
        text: r#"《养鱼》科目考试试卷(二)
一、单项选择题(共4题,每题2分)
1.鱼缸换水的间隔是( A )
A.一周 B.一年 C.十年 D.从不
2.金鱼属于( B )
A.海水鱼 B.淡水鱼 C.鲸 D.虾
3.喂食过多会( C )
A.长得快 B.变色
"#,
        found: r#"single_choice 4 2 -
1 鱼缸换水的间隔是() [A一周 B一年 C十年 D从不] ["A"]
2 金鱼属于() [A海水鱼 B淡水鱼 C鲸 D虾] ["B"]
3 喂食过多会() [A长得快 B变色] ["C"] ~"#,
        codes: "key_names_missing_option section_short truncated_question",
    },
    Paper {
        name: "the paper stops in a stem",
        lines_matter: false,
        text: r#"一、单选题(共5题,每题1分)1.牛奶的颜色是( A )A.白B.黑C.红2.豆浆的原料是( B )A.米B.豆C.麦3.下列饮料中含有咖啡因且适
"#,
        found: r#"single_choice 5 1 -
1 牛奶的颜色是() [A白 B黑 C红] ["A"]
2 豆浆的原料是() [A米 B豆 C麦] ["B"]
3 下列饮料中含有咖啡因且适 [] null ~"#,
        codes: "glued_line section_short truncated_question",
    },
    Paper {
        name: "key conflict over two papers",
        lines_matter: true,
        text: r#"甲市测试卷
一、单选题
1.本市的市花是( A )
A.月季 B.牡丹
2.本市的市树是( A )
A.槐树 B.柳树
乙市测试卷
一、单选题
1.本市的市花是( B )
A.月季 B.牡丹
2.本市的市歌是( B )
A.甲歌 B.乙歌
"#,
        found: r#"single_choice - - -
1 本市的市花是() [A月季 B牡丹] ["A"]
2 本市的市树是() [A槐树 B柳树] ["A"]
single_choice - - -
1 本市的市花是() [A月季 B牡丹] ["B"]
2 本市的市歌是() [A甲歌 B乙歌] ["B"]"#,
        codes: "key_conflict",
    },
    Paper {
        name: "answers of one paper before the next",
        lines_matter: true,
        text: r#"第一课 练习题
一、单选题
1.钢笔用什么写?
A.墨水 B.油
2.铅笔芯的材料?
A.铅 B.石墨
3.毛笔的笔头用?
A.毛 B.铁
参考答案
一、单选题
1.A 2.B 3.A
第二课 练习题
一、单选题
1.圆规画什么?
A.圆 B.方
2.直尺画什么?
A.圆 B.直线
3.量角器量什么?
A.角 B.重量
参考答案
一、单选题
1.A 2.B 3.A
"#,
        found: r#"single_choice - - -
1 钢笔用什么写? [A墨水 B油] ["A"]
2 铅笔芯的材料? [A铅 B石墨] ["B"]
3 毛笔的笔头用? [A毛 B铁] ["A"]
single_choice - - -
1 圆规画什么? [A圆 B方] ["A"]
2 直尺画什么? [A圆 B直线] ["B"]
3 量角器量什么? [A角 B重量] ["A"]"#,
        codes: "",
    },
    Paper {
        name: "a clean long paper",
        lines_matter: true,
        text: r#"2031年城市公交驾驶员业务知识试题
考试时间：60分钟　满分：30分
一、单项选择题(共3题,每题2分,共6分)
1．发车前应检查（　B　）。
A．发型　B．制动　C．邮件　D．菜单
2．起步前应观察（C）
A．手机
B．报纸
C．后视镜
D．电视
3．（ A ）时应靠边停车。
A．车辆故障　B．唱歌　C．下棋　D．钓鱼
二、多项选择题(共2题,每题3分,共6分)
1．进站时应（　ABD　）。
A．减速　B．观察　C．鸣笛不止　D．停稳
2．车上应配备（A、B）
A．灭火器　B．安全锤　C．汽油　D．鞭炮
三、判断题(共4题,每题2分,共8分)
1．夜间会车应使用近光灯。（　√　）
2．雨天制动距离会缩短。（　×　）
3．老人上车时应等其坐稳再起步。（√）
4．驾驶时可以接打手持电话。（×）
四、简答题(共2题,每题5分,共10分)
1．简述车辆起火时的处置步骤。
答：停车、断电、开门疏散、灭火、报警。
2．遇到乘客争吵怎么办？
答：劝解；必要时报警。
"#,
        found: r#"single_choice 3 2 6
1 发车前应检查（）。 [A发型 B制动 C邮件 D菜单] ["B"]
2 起步前应观察（） [A手机 B报纸 C后视镜 D电视] ["C"]
3 （）时应靠边停车。 [A车辆故障 B唱歌 C下棋 D钓鱼] ["A"]
multiple_choice 2 3 6
1 进站时应（）。 [A减速 B观察 C鸣笛不止 D停稳] ["A","B","D"]
2 车上应配备（） [A灭火器 B安全锤 C汽油 D鞭炮] ["A","B"]
true_false 4 2 8
1 夜间会车应使用近光灯。（） [] true
2 雨天制动距离会缩短。（） [] false
3 老人上车时应等其坐稳再起步。（） [] true
4 驾驶时可以接打手持电话。（） [] false
short_answer 2 5 10
1 简述车辆起火时的处置步骤。 [] "停车、断电、开门疏散、灭火、报警。"
2 遇到乘客争吵怎么办？ [] "劝解；必要时报警。""#,
        codes: "",
    },
];
