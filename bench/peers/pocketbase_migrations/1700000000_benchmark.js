// The benchmark's collections, with the access rules and indexes that every peer has.
migrate((app) => {
  const settings = app.settings();
  settings.logs.maxDays = 0; // no request log: no other peer writes one either
  settings.rateLimits.enabled = false;
  app.save(settings);

  const users = app.findCollectionByNameOrId("users");
  users.listRule = "";
  users.viewRule = "";
  app.save(users);

  const author = { type: "relation", name: "author_id", collectionId: users.id, maxSelect: 1, required: true };
  const mine = "author_id = @request.auth.id";
  const keepsAuthor = mine + " && (@request.body.author_id:isset = false || @request.body.author_id = @request.auth.id)";

  const posts = new Collection({
    type: "base",
    name: "posts",
    listRule: "published = true || " + mine,
    viewRule: "published = true || " + mine,
    createRule: mine,
    updateRule: keepsAuthor,
    deleteRule: mine,
    fields: [
      author,
      { type: "text", name: "title", required: true },
      { type: "text", name: "body" },
      { type: "bool", name: "published" },
      { type: "number", name: "score", onlyInt: true },
      { type: "date", name: "created_at" },
    ],
    indexes: [
      "CREATE INDEX posts_published_created_at ON posts (published, created_at)",
      "CREATE INDEX posts_author_id ON posts (author_id)",
    ],
  });
  app.save(posts);

  app.save(new Collection({
    type: "base",
    name: "comments",
    listRule: "",
    viewRule: "",
    fields: [
      { type: "relation", name: "post_id", collectionId: posts.id, maxSelect: 1, required: true },
      author,
      { type: "text", name: "body" },
    ],
    indexes: ["CREATE INDEX comments_post_id ON comments (post_id)"],
  }));

  app.save(new Collection({
    type: "base",
    name: "drafts",
    listRule: mine,
    viewRule: mine,
    createRule: mine,
    updateRule: keepsAuthor,
    deleteRule: mine,
    fields: [
      author,
      { type: "text", name: "title", required: true },
      { type: "text", name: "body" },
      { type: "number", name: "score", onlyInt: true },
      { type: "date", name: "created_at" },
    ],
    indexes: ["CREATE INDEX drafts_author_id_created_at ON drafts (author_id, created_at)"],
  }));

  const papers = new Collection({
    type: "base",
    name: "papers",
    fields: [
      { type: "text", name: "title", required: true },
      { type: "text", name: "body" },
      { type: "date", name: "created_at" },
    ],
    indexes: ["CREATE INDEX papers_created_at ON papers (created_at)"],
  });
  app.save(papers);

  app.save(new Collection({
    type: "base",
    name: "readers",
    fields: [{ type: "relation", name: "paper_id", collectionId: papers.id, maxSelect: 1, required: true }, author],
    indexes: [
      "CREATE INDEX readers_paper_id_author_id ON readers (paper_id, author_id)",
      "CREATE INDEX readers_author_id ON readers (author_id)",
    ],
  }));

  papers.listRule = "readers_via_paper_id.author_id ?= @request.auth.id";
  papers.viewRule = papers.listRule;
  app.save(papers);

  app.save(new Collection({
    type: "base",
    name: "notes",
    listRule: "",
    viewRule: "",
    fields: [
      { type: "text", name: "title", required: true },
      { type: "text", name: "body" },
      { type: "date", name: "created_at" },
    ],
    indexes: ["CREATE INDEX notes_created_at ON notes (created_at)"],
  }));

  app.save(new Collection({
    type: "view",
    name: "totals",
    listRule: "",
    viewRule: "",
    viewQuery: "SELECT author_id AS id, COUNT(*) AS posts, CAST(SUM(score) AS INTEGER) AS score FROM posts"
      + " WHERE published = TRUE GROUP BY author_id",
  }));
});
