using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests.Support;

/// <summary>The oldest and the newest PostgreSQL that tests run on; privileges and memberships differ most between those two.</summary>
internal static class Servers
{
    public static TheoryData<int> Versions => [15, 18];

    public static TheoryData<int, IsolationModel> VersionsAndModels
    {
        get
        {
            var data = new TheoryData<int, IsolationModel>();
            foreach (int version in (int[])[15, 18])
            {
                foreach (IsolationModel model in Enum.GetValues<IsolationModel>()) data.Add(version, model);
            }
            return data;
        }
    }

    /// <summary>A template that makes the same table in each model: <c>notes(id, text)</c>, with the tenant in front where it is shared.</summary>
    public static string NotesTemplate(IsolationModel model) => model == IsolationModel.Pool
        ? "CREATE TABLE IF NOT EXISTS notes (tenant_id uuid NOT NULL, id bigint NOT NULL, text text, PRIMARY KEY (tenant_id, id));"
        : "CREATE TABLE notes (id bigint PRIMARY KEY, text text);";
}
