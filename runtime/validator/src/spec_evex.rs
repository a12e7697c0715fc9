//! EVEX: AVX-512 F, BW, CD, DQ, VL (v4). Not here: vrcp14, vrsqrt14, non-temporal stores.
//! The rows are explained in `spec`; a mnemonic stands without its `v`.

/// Map 1 (0F).
pub(crate) const OF: &str = "
10,28                    66          V,W        w1 l012 z      ; movupd movapd
10                       f2          V,H,U      w1 l012 z      ; movsd
10                       f2          V,M        w1 l012 z      ; movsd
10                       f3          V,H,U      w0 l012 z      ; movss
10                       f3          V,M        w0 l012 z      ; movss
10,28                    np          V,W        w0 l012 z      ; movups movaps
11,29                    66          W,V        w1 l012 z      ; movupd movapd
11                       f2          U,H,V      w1 l012 z      ; movsd
11                       f2          M,V        w1 l012 k      ; movsd
11                       f3          U,H,V      w0 l012 z      ; movss
11                       f3          M,V        w0 l012 k      ; movss
11,29                    np          W,V        w0 l012 z      ; movups movaps
12,16                    66          V,H,M      w1 l0          ; movlpd movhpd
12                       f2          V,W        w1 l012 z      ; movddup
12,16                    f3          V,W        w0 l012 z      ; movsldup movshdup
12,16                    np          V,H,W      w0 l0          ; movhlps movlps movlhps movhps
13,17                    66          M,V        w1 l0          ; movlpd movhpd
13,17                    np          M,V        w0 l0          ; movlps movhps
14-15,54-57,6c-6d,d4,f4,fb 66          V,H,W      w1 l012 bc z   ; unpcklpd unpckhpd andpd andnpd orpd xorpd punpcklqdq punpckhqdq paddq
                                                               ; pmuludq psubq
14-15,54-57              np          V,H,W      w0 l012 bc z   ; unpcklps unpckhps andps andnps orps xorps
2a,7b                    f3,f2       V,H,Ev     l012 er        ; cvtsi2ss cvtsi2sd cvtusi2ss cvtusi2sd
2c,78                    f3,f2       Gv!,W      l012 sae       ; cvttss2si cvttsd2si cvttss2usi cvttsd2usi
2d,79                    f3,f2       Gv!,W      l012 er        ; cvtss2si cvtsd2si cvtss2usi cvtsd2usi
2e-2f                    66          V,W        w1 l012 sae    ; ucomisd comisd
2e-2f                    np          V,W        w0 l012 sae    ; ucomiss comiss
51,5a                    66          V,W        w1 l012 bc er z ; sqrtpd cvtpd2ps
51,58-5a,5c,5e           f2          V,H,W      w1 l012 er z   ; sqrtsd addsd mulsd cvtsd2ss subsd divsd
51,58-59,5c,5e           f3          V,H,W      w0 l012 er z   ; sqrtss addss mulss subss divss
51                       np          V,W        w0 l012 bc er z ; sqrtps
58-59,5c,5e              66          V,H,W      w1 l012 bc er z ; addpd mulpd subpd divpd
58-59,5c,5e              np          V,H,W      w0 l012 bc er z ; addps mulps subps divps
5a,5d,5f                 f3          V,H,W      w0 l012 sae z  ; cvtss2sd minss maxss
5a                       np          V,W        w0 l012 bc sae z ; cvtps2pd
5b                       66          V,W        w0 l012 bc er z ; cvtps2dq
5b                       f3          V,W        w0 l012 bc sae z ; cvttps2dq
5b                       np          V,W        l012 bc er z   ; cvtdq2ps cvtqq2ps
5d,5f                    66          V,H,W      w1 l012 bc sae z ; minpd maxpd
5d,5f                    f2          V,H,W      w1 l012 sae z  ; minsd maxsd
5d,5f                    np          V,H,W      w0 l012 bc sae z ; minps maxps
60-61,63,67-69,d1,d5,d8-da,dc-de,e0-e5 66          V,H,W      l012 z         ; punpcklbw punpcklwd packsswb packuswb punpckhbw punpckhwd psrlw pmullw
e8-ea,ec-ee,f1,f5,f8-f9,fc-fd 66          V,H,W      l012 z         ; psubusb psubusw pminub paddusb paddusw pmaxub pavgb psraw psrad psraq
                                                               ; pavgw pmulhuw pmulhw psubsb psubsw pminsw paddsb paddsw pmaxsw psllw
                                                               ; pmaddwd psubb psubw paddb paddw
62,6a-6b,fa,fe           66          V,H,W      w0 l012 bc z   ; punpckldq punpckhdq packssdw psubd paddd
64-65,74-75              66          K,H,W      l012 k         ; pcmpgtb pcmpgtw pcmpeqb pcmpeqw
66,76                    66          K,H,W      w0 l012 bc k   ; pcmpgtd pcmpeqd
6e                       66          V,Ev       l0             ; movd movq
6f                       66,f3,f2    V,W        l012 z         ; movdqa32 movdqa64 movdqu32 movdqu64 movdqu8 movdqu16
70                       66          V,W,Ib     w0 l012 bc z   ; pshufd
70                       f3,f2       V,W,Ib     l012 z         ; pshufhw pshuflw
71/2,4,6                 66          H,W,Ib     l012 z         ; psrlw psraw psllw
72/0,1,4                 66          H,W,Ib     l012 bc z      ; prord prorq prold prolq psrad psraq
72/2,6                   66          H,W,Ib     w0 l012 bc z   ; psrld pslld
73/2,6                   66          H,W,Ib     w1 l012 bc z   ; psrlq psllq
73/3,7                   66          H,W,Ib     l012           ; psrldq pslldq
78                       np,66       V,W        l012 bc sae z  ; cvttps2udq cvttpd2udq cvttps2uqq cvttpd2uqq
79                       np,66       V,W        l012 bc er z   ; cvtps2udq cvtpd2udq cvtps2uqq cvtpd2uqq
7a                       66          V,W        l012 bc sae z  ; cvttps2qq cvttpd2qq
7a                       f3,f2       V,W        l012 bc er z   ; cvtudq2pd cvtuqq2pd cvtudq2ps cvtuqq2ps
7b                       66          V,W        l012 bc er z   ; cvtps2qq cvtpd2qq
7e                       66          Ev!,V      l0             ; movd movq
7e                       f3          V,W        w1 l0          ; movq
7f                       66,f3,f2    W,V        l012 z         ; movdqa32 movdqa64 movdqu32 movdqu64 movdqu8 movdqu16
c2                       66          K,H,W,Ib   w1 l012 bc sae k ; cmppd
c2                       f2          K,H,W,Ib   w1 l012 sae k  ; cmpsd
c2                       f3          K,H,W,Ib   w0 l012 sae k  ; cmpss
c2                       np          K,H,W,Ib   w0 l012 bc sae k ; cmpps
c4                       66          V,H,Ev,Ib  l0             ; pinsrw
c5                       66          Gv!,U,Ib   l0             ; pextrw
c6                       66          V,H,W,Ib   w1 l012 bc z   ; shufpd
c6                       np          V,H,W,Ib   w0 l012 bc z   ; shufps
d2,f2                    66          V,H,W      w0 l012 z      ; psrld pslld
d3,f3                    66          V,H,W      w1 l012 z      ; psrlq psllq
d6                       66          W,V        w1 l0          ; movq
db,df,eb,ef              66          V,H,W      l012 bc z      ; pandd pandq pandnd pandnq pord porq pxord pxorq
e6                       66          V,W        w1 l012 bc sae z ; cvttpd2dq
e6                       f2          V,W        w1 l012 bc er z ; cvtpd2dq
e6                       f3          V,W        l012 bc er z   ; cvtdq2pd cvtqq2pd
f6                       66          V,H,W      l012           ; psadbw
";

/// Map 2 (0F 38).
pub(crate) const OF38: &str = "
00,04,0b,38,3a,3c,3e,66  66          V,H,W      l012 z         ; pshufb pmaddubsw pmulhrsw pminsb pminuw pmaxsb pmaxuw pblendmb
                                                               ; pblendmw
0c,2b                    66          V,H,W      w0 l012 bc z   ; permilps packusdw
0d,28                    66          V,H,W      w1 l012 bc z   ; permilpd pmuldq
10-12,75,7d,8d           66          V,H,W      w1 l012 z      ; psrlvw psravw psllvw permi2w permt2w permw
10-15,20-25,30-35        f3          W,V        w0 l012 z      ; pmovuswb pmovusdb pmovusqb pmovusdw pmovusqw pmovusqd pmovswb pmovsdb
                                                               ; pmovsqb pmovsdw pmovsqw pmovsqd pmovwb pmovdb pmovqb pmovdw pmovqw
                                                               ; pmovqd
13                       66          V,W        w0 l012 sae z  ; cvtph2ps
14-15,39,3b,3d,3f-40,45-47,64-65,76-77 66          V,H,W      l012 bc z      ; prorvd prorvq prolvd prolvq pminsd pminsq pminud pminuq pmaxsd pmaxsq
7e-7f                    66          V,H,W      l012 bc z      ; pmaxud pmaxuq pmulld pmullq psrlvd psrlvq psravd psravq psllvd psllvq
                                                               ; pblendmd pblendmq blendmps blendmpd permi2d permi2q permi2ps permi2pd
                                                               ; permt2d permt2q permt2ps permt2pd
16,36                    66          V,H,W      l12 bc z       ; permps permpd permd permq
18,25,35,58,78-79        66          V,W        w0 l012 z      ; broadcastss pmovsxdq pmovzxdq pbroadcastd pbroadcastb pbroadcastw
19                       66          V,W        l12 z          ; broadcastf32x2 broadcastsd
1a,5a                    66          V,M        l12 z          ; broadcastf32x4 broadcastf64x2 broadcasti32x4 broadcasti64x2
1b,5b                    66          V,M        l2 z           ; broadcastf32x8 broadcastf64x4 broadcasti32x8 broadcasti64x4
1c-1d,20-24,30-34,59,88-89 66          V,W        l012 z         ; pabsb pabsw pmovsxbw pmovsxbd pmovsxbq pmovsxwd pmovsxwq pmovzxbw
                                                               ; pmovzxbd pmovzxbq pmovzxwd pmovzxwq broadcasti32x2 pbroadcastq
                                                               ; expandps expandpd pexpandd pexpandq
1e                       66          V,W        w0 l012 bc z   ; pabsd
1f                       66          V,W        w1 l012 bc z   ; pabsq
26                       66,f3       K,H,W      l012 k         ; ptestmb ptestmw ptestnmb ptestnmw
27                       66,f3       K,H,W      l012 bc k      ; ptestmd ptestmq ptestnmd ptestnmq
28,38                    f3          V,D        l012           ; pmovm2b pmovm2w pmovm2d pmovm2q
29,37                    66          K,H,W      w1 l012 bc k   ; pcmpeqq pcmpgtq
29,39                    f3          K,U        l012           ; pmovb2m pmovw2m pmovd2m pmovq2m
2a                       66          V,M        w0 l012        ; movntdqa
2a                       f3          V,D        w1 l012        ; pbroadcastmb2q
2c,96-98,9a,9c,9e,a6-a8,aa,ac,ae,b6-b8 66          V,H,W      l012 bc er z   ; scalefps scalefpd fmaddsub*ps fmaddsub*pd fmsubadd*ps fmsubadd*pd
ba,bc,be                 66          V,H,W      l012 bc er z   ; fmadd*ps fmadd*pd fmsub*ps fmsub*pd fnmadd*ps fnmadd*pd fnmsub*ps
                                                               ; fnmsub*pd
2d,99,9b,9d,9f,a9,ab,ad,af,b9,bb,bd,bf 66          V,H,W      l012 er z      ; scalefss scalefsd fmadd*ss fmadd*sd fmsub*ss fmsub*sd fnmadd*ss
                                                               ; fnmadd*sd fnmsub*ss fnmsub*sd
3a                       f3          V,D        w0 l012        ; pbroadcastmw2d
42                       66          V,W        l012 bc sae z  ; getexpps getexppd
43                       66          V,H,W      l012 sae z     ; getexpss getexpsd
44,c4                    66          V,W        l012 bc z      ; plzcntd plzcntq pconflictd pconflictq
7a-7b                    66          V,Rv       w0 l012 z      ; pbroadcastb pbroadcastw
7c                       66          V,Rv       l012 z         ; pbroadcastd pbroadcastq
8a-8b                    66          W,V        l012 z         ; compressps compresspd pcompressd pcompressq
90-93                    66          V,X        l012 k!        ; pgatherdd pgatherdq pgatherqd pgatherqq gatherdps gatherdpd gatherqps
                                                               ; gatherqpd
a0-a3                    66          X,V        l012 k!        ; pscatterdd pscatterdq pscatterqd pscatterqq scatterdps scatterdpd
                                                               ; scatterqps scatterqpd
";

/// Map 3 (0F 3A).
pub(crate) const OF3A: &str = "
00-01                    66          V,W,Ib     w1 l12 bc z    ; permq permpd
03,25                    66          V,H,W,Ib   l012 bc z      ; alignd alignq pternlogd pternlogq
04                       66          V,W,Ib     w0 l012 bc z   ; permilps
05                       66          V,W,Ib     w1 l012 bc z   ; permilpd
08                       66          V,W,Ib     w0 l012 bc sae z ; rndscaleps
09                       66          V,W,Ib     w1 l012 bc sae z ; rndscalepd
0a                       66          V,H,W,Ib   w0 l012 sae z  ; rndscaless
0b                       66          V,H,W,Ib   w1 l012 sae z  ; rndscalesd
0f                       66          V,H,W,Ib   l012 z         ; palignr
14-17                    66          Ev!,V,Ib   l0             ; pextrb pextrw pextrd pextrq extractps
18,38                    66          V,H,W,Ib   l12 z          ; insertf32x4 insertf64x2 inserti32x4 inserti64x2
19,39                    66          W,V,Ib     l12 z          ; extractf32x4 extractf64x2 extracti32x4 extracti64x2
1a,3a                    66          V,H,W,Ib   l2 z           ; insertf32x8 insertf64x4 inserti32x8 inserti64x4
1b,3b                    66          W,V,Ib     l2 z           ; extractf32x8 extractf64x4 extracti32x8 extracti64x4
1d                       66          W,V,Ib     w0 l012 sae z  ; cvtps2ph
1e-1f                    66          K,H,W,Ib   l012 bc k      ; pcmpud pcmpuq pcmpd pcmpq
20,22                    66          V,H,Ev,Ib  l0             ; pinsrb pinsrd pinsrq
21                       66          V,H,W,Ib   w0 l0          ; insertps
23,43                    66          V,H,W,Ib   l12 bc z       ; shuff32x4 shuff64x2 shufi32x4 shufi64x2
26,56                    66          V,W,Ib     l012 bc sae z  ; getmantps getmantpd reduceps reducepd
27,51,55,57              66          V,H,W,Ib   l012 sae z     ; getmantss getmantsd rangess rangesd fixupimmss fixupimmsd reducess
                                                               ; reducesd
3e-3f                    66          K,H,W,Ib   l012 k         ; pcmpub pcmpuw pcmpb pcmpw
42                       66          V,H,W,Ib   w0 l012 z      ; dbpsadbw
50,54                    66          V,H,W,Ib   l012 bc sae z  ; rangeps rangepd fixupimmps fixupimmpd
66                       66          K,W,Ib     l012 bc k      ; fpclassps fpclasspd
67                       66          K,W,Ib     l012 k         ; fpclassss fpclasssd
";
