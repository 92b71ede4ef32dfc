/* Labels of title blocks: by field, a row for one or more languages, in the order en, de, fr, it,
 * es, pt, nl, pl, cs, sv, ru, zh, ja. Spelled as fold.h makes them, parted by bars. A label stands
 * once only: which field a word means is said here and nowhere else. */
#include "worker/extract/drawing/title_words.h"
#include "common/base.h"

// clang-format off
const struct qr_title_word_row qr_title_word_rows[] = {
    {QR_TITLE_DRAWING_NUMBER,
     "drawing file name|drawing no|drawing number|drawing nr|drawing num|dwg no|dwg nr|dwg number|dwg num|dwg|"
     "drg no|drg number|drw no|drw|drawing id|doc no|document no|document number|document nr|"
     "doc number|document id|file no|identification number|identification no|print no|draw no|"
     "drwg no|drawing code"},
    {QR_TITLE_DRAWING_NUMBER,
     "zeichnungsnummer|zeichnungs nr|zeichnungs nummer|zeichnungsnr|zeichn nr|zeichng nr|"
     "zchg nr|zchn nr|znr|z nr|zeichnung nr|zeichnung|dokument nr|dokumentnummer|"
     "dokumentennummer|dokumentennr|dok nr|sachnummer|sach nr|ident nr|identnummer|"
     "zeichnungs no"},
    {QR_TITLE_DRAWING_NUMBER,
     "numero de plan|no de plan|n de plan|plan no|plan n|n plan|numero du plan|numero plan|"
     "numero de dessin|dessin no|dessin n|n dessin|reference plan|ref plan|no plan|"
     "numero de document|n de dessin|no de dessin"},
    {QR_TITLE_DRAWING_NUMBER,
     "numero disegno|n disegno|disegno n|disegno no|disegno|nr disegno|no disegno|"
     "disegno numero|codice disegno|dis n|cod disegno|num disegno"},
    {QR_TITLE_DRAWING_NUMBER,
     "numero de plano|no de plano|n de plano|plano n|plano no|n plano|no plano|plano numero|"
     "num plano|dibujo n|dibujo no|numero de dibujo|no de dibujo|n de dibujo|numero plano"},
    {QR_TITLE_DRAWING_NUMBER,
     "numero do desenho|desenho n|desenho no|n do desenho|no do desenho|n desenho|"
     "desenho numero|no desenho|numero de desenho"},
    {QR_TITLE_DRAWING_NUMBER,
     "tekening nr|tekeningnr|tekeningnummer|tekening nummer|tek nr|teknr|tek no|tekening no|"
     "tekening"},
    {QR_TITLE_DRAWING_NUMBER,
     "numer rysunku|nr rysunku|nr rys|rysunek nr|rys nr|numer rys|numer dokumentu|nr dokumentu"},
    {QR_TITLE_DRAWING_NUMBER,
     "cislo vykresu|vykres c|c vykresu|cislo dokumentu|vykres cislo|cis vykresu"},
    {QR_TITLE_DRAWING_NUMBER,
     "ritningsnummer|ritningsnr|ritnings nr|ritning nr|ritn nr|ritningsno|ritnings no|"
     "dokumentnr"},
    {QR_TITLE_DRAWING_NUMBER,
     "обозначение|номер чертежа|чертеж no|no чертежа|обозначение документа|шифр"},
    {QR_TITLE_DRAWING_NUMBER,
     "图号|图纸编号|图样代号|图纸号|圖號|圖面編號|图样编号|文件编号|圖面號碼"},
    {QR_TITLE_DRAWING_NUMBER,
     "図番|図面番号|図面 no|図番号|図面コード"},

    {QR_TITLE_PART_NUMBER,
     "part no|part number|part nr|part num|p n|pn|item no|item number|item code|article no|"
     "article number|art no|part id|stock number|stock no|component no|catalog no|"
     "material number|material no|part code|product no|product number"},
    {QR_TITLE_PART_NUMBER,
     "teilenummer|teile nr|teilenr|teil nr|artikelnummer|artikel nr|artikelnr|art nr|"
     "materialnummer|material nr|materialnr|bauteilnummer|werkstuck nr|teil"},
    {QR_TITLE_PART_NUMBER,
     "numero de piece|no de piece|n de piece|reference|reference piece|ref|ref article|"
     "code article|code piece|n piece|numero d article"},
    {QR_TITLE_PART_NUMBER,
     "codice|codice articolo|codice pezzo|codice particolare|cod articolo|n particolare|"
     "numero parte|num parte"},
    {QR_TITLE_PART_NUMBER,
     "numero de pieza|no de pieza|n de pieza|referencia|codigo|codigo de pieza|"
     "numero de parte|no de parte"},
    {QR_TITLE_PART_NUMBER,
     "numero da peca|codigo da peca|n da peca|no da peca"},
    {QR_TITLE_PART_NUMBER,
     "artikelnummer|onderdeelnummer|onderdeel nr|artikel no|onderdeelnr"},
    {QR_TITLE_PART_NUMBER,
     "numer czesci|nr czesci|indeks|nr detalu|nr artykulu|numer detalu"},
    {QR_TITLE_PART_NUMBER,
     "cislo dilu|c dilu|cislo soucasti|cislo soucastky|cislo polozky"},
    {QR_TITLE_PART_NUMBER,
     "artikelnr|artikel|detaljnummer|detaljnr|detalj nr"},
    {QR_TITLE_PART_NUMBER,
     "артикул|номер детали|код детали|no детали"},
    {QR_TITLE_PART_NUMBER,
     "零件号|零件编号|物料编号|物料号|料号|物料编码|件号|品號|料號"},
    {QR_TITLE_PART_NUMBER,
     "品番|部品番号|部番|部品 no|部品コード"},

    {QR_TITLE_REVISION,
     "rev|revision|rev no|revision no|revision number|rev level|rev letter|rev index|rev nr|"
     "revision level|issue|issue no|rev id|rev code|edition"},
    {QR_TITLE_REVISION,
     "revisionsstand|rev stand|anderungsindex|aenderungsindex|index|anderungsstand|"
     "aenderungsstand|revisions nr|and index|ausgabe|revisionsindex|ind|anderung index|"
     "rev index"},
    {QR_TITLE_REVISION,
     "indice|indice de revision|ind rev|indice rev|rev ind|indice de modification|rev n"},
    {QR_TITLE_REVISION,
     "revisione|indice di revisione|revis|indice revisione|indice di mod"},
    {QR_TITLE_REVISION,
     "revision n|edicion|indice de revision|no de revision|num revision"},
    {QR_TITLE_REVISION,
     "revisao|no da revisao|rev n|numero da revisao"},
    {QR_TITLE_REVISION,
     "revisie|wijziging|rev letter|wijz"},
    {QR_TITLE_REVISION,
     "rewizja|wersja|zmiana|nr zmiany"},
    {QR_TITLE_REVISION,
     "revize|index zmeny|zmena"},
    {QR_TITLE_REVISION,
     "utgava|revidering|utg|andring"},
    {QR_TITLE_REVISION,
     "ревизия|изменение|версия"},
    {QR_TITLE_REVISION,
     "版本|版次|版本号|修订|版號|版别|改版"},
    {QR_TITLE_REVISION,
     "改訂|版数|改訂番号|改訂記号|版"},

    {QR_TITLE_TITLE,
     "title|drawing title|dwg title|part name|drawing name|description|part description|desc|"
     "document title|name of part|component name|item description|part title|"
     "title description|component|product name|drawing description|titel|designation"},
    {QR_TITLE_TITLE,
     "benennung|bezeichnung|zeichnungstitel|titel|zeichnungsbenennung|gegenstand|bauteil|"
     "zeichnungsbezeichnung|teilebezeichnung|bezeichnung titel|benennung 1"},
    {QR_TITLE_TITLE,
     "titre|designation|intitule|denomination|titre du plan|libelle|nom de la piece|"
     "titre du dessin|objet"},
    {QR_TITLE_TITLE,
     "titolo|denominazione|descrizione|nome parte|titolo del disegno|oggetto|titolo disegno|"
     "particolare"},
    {QR_TITLE_TITLE,
     "titulo|denominacion|descripcion|designacion|titulo del plano|nombre de la pieza|"
     "nombre del plano|nombre pieza|pieza"},
    {QR_TITLE_TITLE,
     "titulo|denominacao|descricao|designacao|nome da peca|titulo do desenho|peca"},
    {QR_TITLE_TITLE,
     "titel|benaming|omschrijving|onderwerp|naam onderdeel"},
    {QR_TITLE_TITLE,
     "tytul|nazwa|tytul rysunku|nazwa czesci|nazwa rysunku|nazwa detalu|nazwa przedmiotu|"
     "przedmiot"},
    {QR_TITLE_TITLE,
     "nazev|nazev vykresu|nazev dilu|nazev soucasti"},
    {QR_TITLE_TITLE,
     "benamning|titel|beskrivning|titel benamning"},
    {QR_TITLE_TITLE,
     "наименование|название|наименование изделия|название чертежа|наименование детали"},
    {QR_TITLE_TITLE,
     "名称|图名|零件名称|图纸名称|標題|名稱|圖名|品名|产品名称|图样名称|标题"},
    {QR_TITLE_TITLE,
     "名称|図名|品名|部品名|表題|部品名称|図面名称|図面名|件名"},

    {QR_TITLE_SUBTITLE,
     "subtitle|sub title|supplementary title|zusatztitel|zusatzbenennung|untertitel|"
     "sous titre|sottotitolo|subtitulo|ondertitel|podtytul|undertitel|additional title"},

    {QR_TITLE_MATERIAL,
     "material|matl|mat l|mat|materials|material spec|material specification|raw material|"
     "stock material|part material|material grade"},
    {QR_TITLE_MATERIAL,
     "werkstoff|rohteil|werkstoff halbzeug|material werkstoff|halbzeug|rohmaterial|werkst"},
    {QR_TITLE_MATERIAL,
     "matiere|materiau|matieres|materiaux|nuance"},
    {QR_TITLE_MATERIAL,
     "materiale|mater|materia prima"},
    {QR_TITLE_MATERIAL,
     "material de la pieza|materiales|materia"},
    {QR_TITLE_MATERIAL,
     "materia|materia prima|materiais"},
    {QR_TITLE_MATERIAL,
     "materiaal|grondstof|mat aal"},
    {QR_TITLE_MATERIAL,
     "material detalu|materialy|tworzywo|gatunek materialu"},
    {QR_TITLE_MATERIAL,
     "material polotovar|materialy|mater|jakost"},
    {QR_TITLE_MATERIAL,
     "material kvalitet|amne|materialkvalitet"},
    {QR_TITLE_MATERIAL,
     "материал|материал изделия"},
    {QR_TITLE_MATERIAL,
     "材料|材质|材質|材料标记|材质牌号|材料牌号"},
    {QR_TITLE_MATERIAL,
     "材質|材料|素材|材質名"},

    {QR_TITLE_FINISH,
     "finish|surface finish|surface treatment|coating|treatment|plating|surface|"
     "finish coating|protective finish|final finish|heat treatment and finish|colour|color|"
     "paint|surface coating"},
    {QR_TITLE_FINISH,
     "oberflache|oberflaeche|oberflachenbehandlung|oberflaechenbehandlung|beschichtung|"
     "oberflachenschutz|oberfl|behandlung|farbe"},
    {QR_TITLE_FINISH,
     "traitement de surface|traitement|finition|revetement|etat de surface|protection"},
    {QR_TITLE_FINISH,
     "finitura|trattamento|trattamento superficiale|rivestimento|trattamenti|"
     "trattamento superf"},
    {QR_TITLE_FINISH,
     "acabado|tratamiento|acabado superficial|tratamiento superficial|recubrimiento|"
     "acabamento|tratamento superficial|tratamento"},
    {QR_TITLE_FINISH,
     "oppervlaktebehandeling|oppervlakte|afwerking|behandeling|obrobka powierzchni|powloka|"
     "wykonczenie|povrchova uprava|uprava povrchu|ytbehandling|ytbeh|ytjamnhet|покрытие|"
     "обработка поверхности"},
    {QR_TITLE_FINISH,
     "表面处理|表面處理|表面処理|处理|処理|涂装|塗装|仕上げ"},

    {QR_TITLE_SCALE,
     "scale|drawing scale|dwg scale|sheet scale|plot scale|view scale"},
    {QR_TITLE_SCALE,
     "massstab|masstab|massst|mst|masz|massstab original|maszstab"},
    {QR_TITLE_SCALE,
     "echelle|ech|scala|escala|escal|esc|schaal|skala|podzialka|meritko|mer|merit|масштаб|"
     "масшт"},
    {QR_TITLE_SCALE,
     "比例|比例尺|尺度|縮尺"},

    {QR_TITLE_SHEET,
     "sheet|sheet no|sheet number|sheet nr|sht|sht no|sh|page|page no|pg|pg no|sheet of|"
     "sheets|sheet id|pg number"},
    {QR_TITLE_SHEET,
     "blatt|blatt nr|blattnr|seite|bl|blatt no|blatt von|blattnummer"},
    {QR_TITLE_SHEET,
     "feuille|folio|page n|feuillet|planche|f no"},
    {QR_TITLE_SHEET,
     "foglio|fg|foglio n|tavola|tav"},
    {QR_TITLE_SHEET,
     "hoja|hoja n|hoja no|lamina|pagina|folha|folha no|folha n|no de hoja"},
    {QR_TITLE_SHEET,
     "blad|bladnr|blad nr|blad no|arkusz|nr arkusza|ark|list|list c|cislo listu|лист|strona"},
    {QR_TITLE_SHEET,
     "页码|页次|第|张|张次|頁次|頁|シート|葉|頁番号|id"},

    {QR_TITLE_SHEET_COUNT,
     "sheet count|total sheets|no of sheets|number of sheets|of sheets|sheet total|num sheets|"
     "total pages"},
    {QR_TITLE_SHEET_COUNT,
     "blattzahl|anzahl blatter|anz bl|blatter|anzahl blatt|nombre de feuilles|nb de feuilles|"
     "nb folios|fogli|n fogli|hojas|folhas|aantal bladen|ilosc arkuszy|liczba arkuszy|"
     "pocet listu|listu|antal blad|листов|共|总页数|总张数|全葉数"},

    {QR_TITLE_SIZE,
     "size|sheet size|paper size|drawing size|dwg size|format|paper format|sheet format|"
     "page size"},
    {QR_TITLE_SIZE,
     "blattformat|papierformat|blattgrosse|papiergrosse|formato|formaat|papierformaat|"
     "format papieru|format arkusza|pappersformat|формат|图幅|幅面|紙サイズ|サイズ|圖幅|図面サイズ|用紙"},

    {QR_TITLE_UNITS,
     "units|unit|dimensions|dimensions in|all dimensions in|all dimensions are in|"
     "dimensions are in|dim in|dims in|dimension unit|units of measure|unit of measure|"
     "length unit"},
    {QR_TITLE_UNITS,
     "einheit|einheiten|masse in|alle masse in|unite|unites|cotes en|unita|unita di misura|"
     "quote in|dimensioni in|unidad|unidades|cotas en|medidas en|dimensiones en|unidade|"
     "cotas em|dimensoes em|eenheid|maten in|jednostka|jednostki|wymiary w|jednotky|rozmery v|"
     "enhet|matt i|единицы|размеры в|单位|單位|単位"},

    {QR_TITLE_DATE,
     "date|issue date|date of issue|issued date|release date|date issued|dwg date|"
     "drawing date|creation date|plot date|rev date|revision date|date created|last update|"
     "released|issued"},
    {QR_TITLE_DATE,
     "datum|ausgabedatum|erstelldatum|freigabedatum|erstellungsdatum|ausgegeben|dat|"
     "ausstelldatum|date d emission|date de creation|date du plan|data|data di emissione|"
     "data emissione|fecha|fecha de emision|data de emissao|datum uitgifte|data wydania|"
     "datum vydani|utgivningsdatum|дата|日期|出图日期|日付|作成日|年月日|発行日|作成日付|制図日"},

    {QR_TITLE_DRAWN_BY,
     "drawn|drawn by|drn|drn by|dr by|dwn|dwn by|drawn name|drafter|draftsman|draughtsman|"
     "author|created by|creator|prepared by|designed by|designer|designed|design|made by|"
     "originator|created|prepared|drafted by|draw|draw by|drafted|drw by|by|engineer|eng|"
     "detailed by|drftg|drawing by|draftsperson"},
    {QR_TITLE_DRAWN_BY,
     "gezeichnet|gez|gezeichnet von|bearb|bearbeiter|bearbeitet|ersteller|erstellt|"
     "erstellt von|erstellt durch|konstrukteur|verfasser|zeichner|name gez|bearbeitet von"},
    {QR_TITLE_DRAWN_BY,
     "dessine|dessine par|dess|dessinateur|etabli|etabli par|cree par|auteur|concu par|"
     "redige par|realise par"},
    {QR_TITLE_DRAWN_BY,
     "disegnato|disegnato da|dis|disegnatore|autore|creato da|redatto|progettato da|"
     "progettista|dibujado|dibujado por|dib|dibujo|dibujante|autor|creado por|disenado por|"
     "diseno|disenado|proyectado|desenhado|desenhado por|desenhista|desenho|des|projetado por|"
     "criado por|elaborado por"},
    {QR_TITLE_DRAWN_BY,
     "getekend|getekend door|tekenaar|get|get door|ontworpen|ontworpen door|gemaakt door|"
     "auteur|opgesteld door"},
    {QR_TITLE_DRAWN_BY,
     "rysowal|kreslil|narysowal|projektowal|konstruowal|opracowal|wykonal|kreslil a|"
     "vypracoval|navrhl|nakreslil|ritad|ritad av|konstruerad|konstruerad av|konstr|"
     "ritad konstr|skapad av|konstruktor|autor"},
    {QR_TITLE_DRAWN_BY,
     "разраб|разработал|чертил|выполнил|конструктор|проектировал|начертил|исполнил"},
    {QR_TITLE_DRAWN_BY,
     "设计|制图|绘图|設計|製圖|繪圖|绘制|编制|制图人|製図|作図|担当|作成|作成者|製図者|設計者"},

    {QR_TITLE_DRAWN_DATE,
     "drawn date|date drawn|drn date|drawing created|design date|created date|gezeichnet am|"
     "erstellt am|bearb datum|dessine le|date dessin|dib fecha|drafted date"},

    {QR_TITLE_CHECKED_BY,
     "checked|checked by|chk|chk by|chkd|chkd by|ckd|ckd by|ck d|chk d|checker|check|"
     "reviewed by|reviewed|verified|verified by|inspected by|chkr|eng check"},
    {QR_TITLE_CHECKED_BY,
     "gepruft|geprueft|gepr|gepruft von|prufer|kontrolliert|gepruft durch|normpr|normgepruft|"
     "verifie|verifie par|controle|controle par|verif|verificato|verificato da|controllato|"
     "controllato da|contr|verif da|comprobado|comprobado por|revisado|revisado por|"
     "verificado|verificado por|comp|conferido"},
    {QR_TITLE_CHECKED_BY,
     "gecontroleerd|gecontroleerd door|contr door|sprawdzil|sprawdzono|kontrolowal|"
     "zkontroloval|kontroloval|prezkousel|granskad|granskad av|granskat|kontrollerad|kontr|"
     "kontrollerad av|пров|проверил|контролировал"},
    {QR_TITLE_CHECKED_BY,
     "校核|审核|校对|審核|檢查|检查|審查|审查|検図|照査|検図者|確認"},
    {QR_TITLE_CHECKED_DATE,
     "checked date|date checked|chk date|check date|gepruft am|geprueft am|verifie le"},

    {QR_TITLE_APPROVED_BY,
     "approved|approved by|appr|appr by|app|app d|appd|app by|apvd|apvd by|approval|approver|"
     "approval person|eng appr|mfg appr|released by|released for production by|authorized by|"
     "authorised by|approvals|engineering approval|aprvd"},
    {QR_TITLE_APPROVED_BY,
     "genehmigt|freigegeben|freigabe|gen|freig|genehmigt von|freigegeben von|"
     "freigegeben durch|approuve|approuve par|approbation|appr par|approvato|approvato da|"
     "approv|appr da|aprobado|aprobado por|aprob|aprovado|aprovado por|aprov"},
    {QR_TITLE_APPROVED_BY,
     "goedgekeurd|goedgekeurd door|vrijgegeven|zatwierdzil|zatwierdzono|akceptowal|schvalil|"
     "schvaleno|godkand|godkand av|утв|утвердил|утверждаю"},
    {QR_TITLE_APPROVED_BY,
     "批准|审定|核准|承認|承認者|認可"},
    {QR_TITLE_APPROVED_DATE,
     "approved date|date approved|approval date|appr date|released date|genehmigt am|"
     "freigegeben am|approuve le"},

    {QR_TITLE_COMPANY,
     "company|company name|organization|organisation|manufacturer|owner|legal owner|firm|"
     "vendor|firma|unternehmen|hersteller|eigentumer|societe|entreprise|societa|azienda|ditta|"
     "empresa|compania|bedrijf|spolecnost|foretag|предприятие|организация|单位名称|公司|公司名称|会社名|会社|"
     "company title"},

    {QR_TITLE_PROJECT,
     "project|project name|project no|project number|project title|job|job no|job number|"
     "contract|contract no|proj|project id|proj no|order no|work order"},
    {QR_TITLE_PROJECT,
     "projekt|projekt nr|projektnummer|auftrag|auftrags nr|auftragsnummer|projektname|"
     "auftragsnr|projet|no de projet|affaire|progetto|commessa|n commessa|proyecto|obra|"
     "projeto|project nr|projectnummer|opdracht|projekt nazwa|nazwa projektu|nazev projektu|"
     "zakazka|projektnr|проект|项目|项目名称|工程名称|工程|專案|プロジェクト|工事名|工事名称"},

    {QR_TITLE_WEIGHT,
     "weight|mass|wt|weight kg|mass kg|est weight|weight lbs|weight g|mass g|calc weight|"
     "net weight|part weight|finished weight|total weight|unit weight|weight in kg|"
     "calculated weight|approx weight|net mass"},
    {QR_TITLE_WEIGHT,
     "gewicht|masse|gewicht kg|masse kg|gew|fertiggewicht|nettogewicht|poids|poids kg|peso|"
     "peso kg|massa|massa kg|gewicht in kg|ciezar|masa|masa kg|hmotnost|hmotnost kg|"
     "cista hmotnost|cista hm|vikt|vikt kg|масса|вес|重量|质量|質量|单重|单件重量"},

    {QR_TITLE_GENERAL_TOLERANCE,
     "general tolerance|general tolerances|tolerances|tolerance|gen tol|general tol|"
     "untoleranced dimensions|unspecified tolerance|unspecified tolerances|tol|"
     "default tolerance|default tolerances|standard tolerance"},
    {QR_TITLE_GENERAL_TOLERANCE,
     "allgemeintoleranzen|allgemeintoleranz|allgemein toleranzen|freimasstoleranz|"
     "freimasstoleranzen|toleranz|toleranzen|allg toleranzen|tolerances generales|"
     "tolerance generale|tolerance gen|tolleranze generali|tolleranza generale|tolleranze|"
     "toleranze generali|tolerancias generales|tolerancia general|tolerancias|"
     "tolerancia geral|tolerancias gerais|algemene toleranties|toleranties|tolerantie|"
     "tolerancje ogolne|tolerancja|tolerancja ogolna|vseobecne tolerance|tolerovani|presnost|"
     "generella toleranser|toleranser|общие допуски|допуски|未注公差|一般公差|公差|公差等级|普通公差|一般公差許容差|"
     "未注尺寸公差"},

    {QR_TITLE_PROJECTION,
     "projection|projection method|proj method|projektionsmethode|projektion|projection type|"
     "method of projection|methode de projection|proiezione|metodo di proiezione|proyeccion|"
     "projecao|projectie|projectiemethode|metoda rzutowania|promitani|vymetod|projektionssatt|"
     "проекция|投影法|投影|視法|投影方法|视角|角法"},

    {QR_TITLE_STATUS,
     "status|document status|dwg status|drawing status|state|release status|doc status|"
     "release state|life cycle state|approval status|dokumentstatus|statut|stato|estado|"
     "estado del documento|stan|stav|статус|状态|狀態|ステータス"},

    {QR_TITLE_DEPARTMENT,
     "department|dept|responsible department|responsible dept|division|abteilung|abt|"
     "verantwortliche abteilung|verantwortl abtlg|verantw abt|service|departement|"
     "service responsable|reparto|ufficio|departamento|afdeling|dzial|oddeleni|avdelning|"
     "ansvarig avd|отдел|部门|部門|部署"},

    {QR_TITLE_OTHER,
     "document type|doc type|type of document|technical reference|technical ref|"
     "responsible person|cage code|cage|fscm no|fscm|code|code ident no|code id|file|"
     "file name|filename|cad file|file path|path|cad|model|model name|"
     "model no|model number|version|ver|customer|client|language|lang|quantity|qty|used on|"
     "next assy|next assembly|application|final assy|similar to|replaces|replaced by|"
     "supersedes|comments|comment|remarks|remark|note|notes|phone|tel|telephone|fax|email|"
     "e mail|web|website|www|address|city|country|license|licence|copyright|standard|"
     "heat treatment|hardness|volume|density|thickness|specification|spec|shape|class|"
     "category|type|series|ecn|ecn no|ecr|eco|eco no|change|plot|plotted|plotted by|printed|"
     "print date|template|tool|machine|part type|third angle projection|"
     "first angle projection|third angle|first angle|q a|qa|quality|mfg|manufacturing|eng app|"
     "mfg app|purchasing|production|stress|materials and process|interpret geometric|"
     "sheet name|sheet title|configuration|config|saved by|last saved by|edited by|modified|"
     "modified by|location|site|drawing type|drawing no prefix|barcode|ordered by|responsible|"
     "resp|estimate|process|batch|lot|serial no|serial number|surface area|area|length|"
     "roughness|surface roughness|do not scale drawing|do not scale|"
     "deburr and break sharp edges|break sharp edges|proprietary and confidential|confidential"},
    {QR_TITLE_OTHER,
     "dokumentart|technische referenz|sprache|kunde|auftraggeber|menge|stuck|stuckzahl|anzahl|"
     "stck|ersatz fur|ersetzt durch|ersetzt|ers f|ers d|urspr|ursprung|bemerkung|modell|"
     "dateiname|datei|norm|standard|verwendung|typ|abmessung|abmessungen|rohmass|"
     "warmebehandlung|harte|kanten|verantwortlich|rauheit|oberflachenangaben|iso 13715|"
     "type de document|reference technique|langue|client|quantite|qte|remplace|remplace par|"
     "observations|modele|fichier|nom du fichier|responsable|verantw person|tipo di documento|"
     "riferimento tecnico|cliente|quantita|sostituisce|sostituito da|note|modello|nome file|"
     "trattamento termico|tipo de documento|referencia tecnica|cantidad|sustituye a|"
     "sustituido por|observaciones|archivo|nombre de archivo|quantidade|substitui|arquivo|"
     "klant|aantal|vervangt|vervangen door|bestand|bestandsnaam|taal|opmerkingen|documenttype|"
     "klient|ilosc|uwagi|typ dokumentu|plik|zamiast|zastapiony|obrobka cieplna|zakaznik|pocet|"
     "poznamka|soubor|polotovar|stary vykres|novy vykres|kund|antal|ersatter|ersatt av|"
     "anmarkning|filnamn|н контр|т контр|лит|литера|подп|подпись|инв no подл|взам инв no|"
     "инв no дубл|перв примен|справ no|подп и дата|копировал|no докум|изм|数量|备注|附注|标准化|工艺|"
     "阶段标记|标记|处数|分区|更改文件号|签名|客户|文件名|借用件登记|旧底图总号|底图总号|签字|会签|備考|個数|員数|客先|機種|型式|投影図|顧客|熱处理|热处理"},

    {QR_TITLE_NAME_COLUMN,
     "name|names|signature|sign|initials|init|sig|unterschrift|visum|namen|kurzzeichen|nom|"
     "visa|nome|firma e data|nombre|firma y fecha|assinatura|naam|handtekening|paraaf|"
     "imie i nazwisko|podpis|nazwisko|jmeno|namn|signatur|sign av|фамилия|фио|姓名|氏名|署名|印"},

    {QR_TITLE_TABLE_WORD,
     "item|pos|position|qty req|quantity required|find no|balloon|ref des|zone|ltr|revisions|"
     "revision history|revision table|description of change|change description|changes|"
     "eco number|parts list|bill of materials|bill of material|anderung|anderungen|zust|"
     "zustand|anderungsbeschreibung|stuckliste|pos nr|modification|modifications|modifiche|"
     "modifica|modificacion|modificaciones|wijzigingen|zmiany|zmeny|andringar|序号|代号|变更|更改|変更|"
     "訂正|記号|番号"},
};
const size_t qr_title_n_word_rows = QR_COUNT(qr_title_word_rows);

/* Attribute tags that are no labels: abbreviations of templates, compared without blanks. The
 * ones marked are too short to mean anything without a template's prefix. */
const struct qr_title_tag_row qr_title_tag_rows[] = {
    {QR_TITLE_DRAWING_NUMBER, false, "dwgid|drgno|drawingref|znummer|docid|drawno|plannr|plannummer|dn"},
    {QR_TITLE_DRAWING_NUMBER, true, "nr|no|num|number|id"},
    {QR_TITLE_TITLE, false, "teilename|teilebenennung|titleline|dwgname|drawname|dwgtitle|ben"},
    {QR_TITLE_TITLE, true, "des|name|line|text|bez"},
    {QR_TITLE_MATERIAL, false, "wst|werkstoffnr"},
    {QR_TITLE_SCALE, false, "scl|msb|scal"},
    {QR_TITLE_SCALE, true, "sca"},
    {QR_TITLE_SIZE, false, "papersz|dwgsize"},
    {QR_TITLE_SIZE, true, "siz|sz"},
    {QR_TITLE_DATE, false, "dattim|issuedate|plotdate"},
    {QR_TITLE_DRAWN_BY, false, "drwn|drwnby|gezname|bearbname|drftsmn|erstname|gezvon"},
    {QR_TITLE_DRAWN_DATE, false, "drwndate|gezdatum|gezdat|bearbdatum|bearbdat|erstdatum|ddate|erstdat"},
    {QR_TITLE_CHECKED_BY, false, "chkby|geprname|gepruftname|prufname"},
    {QR_TITLE_CHECKED_BY, true, "chkm"},
    {QR_TITLE_CHECKED_DATE, false, "chkdate|geprdatum|geprdat|cdate|prufdatum"},
    {QR_TITLE_CHECKED_DATE, true, "chkd"},
    {QR_TITLE_APPROVED_BY, false, "appby|genname|freiname"},
    {QR_TITLE_APPROVED_BY, true, "appm"},
    {QR_TITLE_APPROVED_DATE, false, "appdate|gendatum|freidatum|adate"},
    {QR_TITLE_SHEET, false, "shtno|shno|sheetnr|sheetnumber|pageno"},
    {QR_TITLE_SHEET_COUNT, false, "shts|ofsheets|blvon|sheetcount|nsheets|totsheets|anzbl"},
    {QR_TITLE_WEIGHT, false, "wgt|wght"},
    {QR_TITLE_COMPANY, false, "cmpny|coname"},
    {QR_TITLE_PROJECT, false, "prjno|prjname|jobname"},
    {QR_TITLE_GENERAL_TOLERANCE, false, "tolstd|gentol|allgtol"},
};
const size_t qr_title_n_tag_rows = QR_COUNT(qr_title_tag_rows);
